#!/bin/sh
# Runs the tests; arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."
. scripts/environment.sh
prepare test
exec .venv/bin/python -m pytest "$@"
