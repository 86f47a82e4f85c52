#!/bin/sh
# Load on a server, by simulated stations: scripts/load-test.sh --connections=100 --duration=60s [--help]
exec python3 "$(dirname "$0")/../run.py" load-test "$@"
