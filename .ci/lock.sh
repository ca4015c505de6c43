#!/usr/bin/env bash
# Pin every package, those pulled in by others included, in requirements.lock and requirements-rl.lock.
# Pins already there are kept where they still fit pyproject.toml.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --disable-pip-version-check "$(grep -E '^uv==' requirements.lock || echo uv)"

# PyPI's torch asks for CUDA packages; the CPU build, which setup.sh installs, does without them.
cat >"$work/excludes" <<END
cuda-bindings
cuda-toolkit
nvidia-cudnn-cu13
nvidia-cusparselt-cu13
nvidia-nccl-cu13
nvidia-nvshmem-cu13
triton
END

# The oldest supported Python and one fixed platform, so that the result is the same wherever this runs.
compile() {
    "$work/venv/bin/uv" pip compile --quiet pyproject.toml \
        --python-version 3.11 --python-platform x86_64-manylinux_2_28 --only-binary :all: --no-binary cocotbext-wishbone --no-binary wavedrom \
        --excludes "$work/excludes" --custom-compile-command "make lock" "$@"
}

compile --extra dev --output-file requirements.lock
compile --extra rl --constraints requirements.lock --output-file requirements-rl.lock

if grep -HnE '^(cuda|nvidia|triton)' requirements*.lock; then
    echo "lock: torch asks for the CUDA packages above: add them to the list in $0" >&2
    exit 1
fi
