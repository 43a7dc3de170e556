#!/usr/bin/env bash
# Makes .venv from the hash-pinned lock; does nothing when the lock and the project are unchanged.
#   ./setup.sh          what running needs
#   ./setup.sh --dev    also what tests and checks need
set -euo pipefail
cd "$(dirname "$0")"

lock=requirements/run.lock
[ "${1:-}" = "--dev" ] && lock=requirements/dev.lock

python="${PYTHON:-}"
if [ -z "$python" ]; then
  for candidate in python3.11 python3 python; do
    if command -v "$candidate" >/dev/null && "$candidate" -c \
      'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
      python="$candidate"
      break
    fi
  done
fi
if [ -z "$python" ]; then
  echo "setup.sh: Python 3.11 is needed; install it or set PYTHON=/path/to/python3.11" >&2
  exit 1
fi

# The stamp names what .venv was made from; the dev lock holds all of the run lock.
wanted="$(cat "$lock" pyproject.toml | cksum) $PWD"
run_wanted="$(cat requirements/run.lock pyproject.toml | cksum) $PWD"
dev_wanted="$(cat requirements/dev.lock pyproject.toml | cksum) $PWD"
have="$(cat .venv/.made-from 2>/dev/null || true)"
if [ "$have" = "$wanted" ] || { [ "$wanted" = "$run_wanted" ] && [ "$have" = "$dev_wanted" ]; }; then
  echo "setup: .venv is up to date, reused"
  exit 0
fi

[ -x .venv/bin/python ] || "$python" -m venv .venv
echo "setup: installing from $lock (some minutes the first time)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
# The build tool comes from the lock too, so nothing unpinned is fetched.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
  --no-build-isolation --editable .
printf '%s' "$wanted" > .venv/.made-from
echo "setup: done"
