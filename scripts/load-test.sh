#!/bin/sh
# Load on a server, by simulated stations: scripts/load-test.sh --connections=100 --duration=60s [--help]
cd "$(dirname "$0")/.." || exit 1
python=.venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" -m bench.load_test "$@"
