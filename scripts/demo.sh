#!/bin/sh
# Cuts out a real photo, offline, and leaves before and after side by side in demo/.
set -eu
cd "$(dirname "$0")/.."
. scripts/environment.sh
prepare cpu scikit-image
exec .venv/bin/python examples/before_after.py "$@"
