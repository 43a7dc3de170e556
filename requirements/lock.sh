#!/usr/bin/env bash
# Resolves pyproject.toml into hash-pinned locks; no index address is written into them.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"
"$python" -m pip install --quiet uv
compile() {
  "$python" -m uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
    --python-version 3.11 --universal --no-header --no-annotate --no-strip-extras "$@"
}
echo "setuptools>=80" | compile --extra platform --output-file requirements/run.lock pyproject.toml -
echo "setuptools>=80" | compile --extra platform --group dev --constraint requirements/run.lock \
  --output-file requirements/dev.lock pyproject.toml -
