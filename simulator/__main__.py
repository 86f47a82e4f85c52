"""`python -m simulator`: like `manage.py simulate`, but without Django and for any server."""

import argparse
import sys

from simulator.console import add_arguments, run

parser = argparse.ArgumentParser(prog="python -m simulator", description="Simulated OCPP charging stations.")
add_arguments(parser)
sys.exit(run(vars(parser.parse_args())))
