"""Run simulated charging stations of OCPP 1.6, 2.0.1 and 2.1 against this or any other server."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from simulator.console import add_arguments, run


class Command(BaseCommand):
    help = "Run simulated charging stations against a server and show how fast it answers."
    # The stations come in from outside: neither models nor the database are needed to run them.
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        code = run(options)
        if code:
            sys.exit(code)
