#!/usr/bin/env bash
# Style and types: the one check that `make lint`, `make test`, CI and the pre-commit hook share.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${VENV:-.venv}/bin

"$bin/ruff" check .
"$bin/ruff" format --check .
"$bin/mypy" # which packages, and how strictly: pyproject.toml
"$bin/lint-imports" --no-cache # which packages may import which: pyproject.toml
