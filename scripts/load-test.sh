#!/bin/sh
# Load test with simulated stations: scripts/load-test.sh --connections=100 --duration=60s [--help]
exec python3 "$(dirname "$0")/../run.py" load-test "$@"
