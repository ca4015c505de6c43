#!/usr/bin/env bash
# Make sure of the programs that pip cannot install. What is missing is installed with apt-get where that
# is permitted; elsewhere the script stops and says what to install.
#   system-packages.sh          what everything needs
#   system-packages.sh tests    and what only tests do
set -euo pipefail

python=${PYTHON:-python3}

missing=()
need() { # need PACKAGE COMMAND...: PACKAGE is missing unless COMMAND succeeds
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

need iverilog command -v iverilog # the simulator of the demo and the tests
need opensta command -v sta # static timing
need g++ command -v "${CXX:-c++}" # with make and perl: Verilator compiles its models
need make command -v make
need ccache command -v ccache # compiles the Verilator runtime once for all designs
need perl command -v perl
if [ "${1:-}" = tests ]; then
    need tcl command -v tclsh # runs the scripts for Vivado and Quartus, with stubs
    need gcc-riscv64-unknown-elf command -v riscv64-unknown-elf-gcc # the program of examples/litex
fi
if version=$("$python" -c 'import sys; print("{}.{}".format(*sys.version_info))'); then
    # Debian and Ubuntu ship Python without the parts that create a virtual environment.
    need "python$version-venv" "$python" -c 'import ensurepip, venv'
    # Its C headers, for the compiled sampler.
    need "python$version-dev" "$python" -c \
        'import os, sysconfig; os.stat(os.path.join(sysconfig.get_path("include"), "Python.h"))'
else
    missing+=(python3 python3-venv)
fi

[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo -n)
fi
if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
    echo "setup: missing on this machine: ${missing[*]}" >&2
    echo "setup: install them yourself (it takes root); on Debian or Ubuntu: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi

echo "setup: installing ${missing[*]} with apt-get"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq </dev/null
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
