#!/usr/bin/env bash
# Install into the virtual environment; `make setup` calls this only when something changed.
#   setup.sh base     what the demo, the tools and most tests need
#   setup.sh rl     in addition PyTorch, Gymnasium and the RL libraries that the adapters and benchmarks are for
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
venv=${VENV:-.venv}
source_only='^(cocotbext-wishbone|wavedrom)=='

fail() {
    echo "setup: $*" >&2
    exit 1
}

# --no-deps: the locks name every package, so nothing that they do not name may come in.
# --only-binary: wheels only, so that no package builds itself with tools that nobody pinned.
# -qq: quiet but for errors.
pip_install() {
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-deps "$@"
}

# Does in seconds what takes pip minutes: it fetches, unpacks and compiles on all cores.
uv_install() {
    "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --compile-bytecode --no-deps "$@"
}

install_base() {
    .ci/system-packages.sh
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "Python 3.11 or newer is needed, but $python is $("$python" --version 2>&1);" \
            "name another with: make setup PYTHON=python3.12"
    # Also made anew when the Python it was made from has gone.
    if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        echo "setup: creating $venv with $("$python" --version)"
        "$python" -m venv --clear "$venv"
    fi
    echo "setup: installing requirements.lock"
    pip_install --only-binary :all: "$(grep -E '^uv==' requirements.lock)"
    uv_install --only-binary :all: -r <(grep -vE "$source_only" requirements.lock)
    # Pure Python that comes as source only: built here by the pinned setuptools and setuptools-scm.
    uv_install --no-build-isolation -r <(grep -E "$source_only" requirements.lock)
    # Without build isolation the pinned setuptools builds it, not the newest one.
    uv_install --no-build-isolation --editable .
}

install_rl() {
    local torch
    .ci/system-packages.sh tests
    torch="$(grep -E '^torch==' requirements-rl.lock)+cpu"
    # "+cpu" in the version names PyTorch's CPU build. The build on PyPI, which has the same version
    # without it, does not even import unless gigabytes of CUDA packages are installed too. PyTorch
    # keeps the CPU build on an index of its own; pip's configured sources go first, so that a mirror
    # or a folder of wheels does as well.
    echo "setup: installing $torch"
    pip_install --only-binary :all: "$torch" 2>/dev/null ||
        pip_install --only-binary :all: --index-url https://download.pytorch.org/whl/cpu "$torch" ||
        fail "no $torch found for $("$venv/bin/python" --version): tried pip's configured sources and" \
            "https://download.pytorch.org/whl/cpu; only training, the RL libraries' adapters, their tests and 'make lint' need it"
    echo "setup: installing requirements-rl.lock"
    uv_install --only-binary :all: -r requirements-rl.lock
}

case ${1:-} in
base) install_base ;;
rl) install_rl ;;
*) fail "usage: $0 base|rl" ;;
esac
