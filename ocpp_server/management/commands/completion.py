"""Print the script of shell completion: manage.py completion bash."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from ocpp_server.management import completion


class Command(BaseCommand):
    help = "Print a script that completes commands, steps and options in a shell. See docs/manage.md."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("shell", choices=completion.SHELLS)

    def handle(self, *args: Any, **options: Any) -> str:
        return completion.script(options["shell"])
