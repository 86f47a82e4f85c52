"""Run the signer: `manage.py signer`. `run.py signer` is the same; the embedded server starts this one."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Sign certificates and revocation lists with the keys of our CAs until a signal arrives."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--embedded",
            action="store_true",
            help="Read the passphrase from the standard input, and end when that ends.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Inside: `--help` needs neither the engine nor its settings.
        from ocpp_server.environment.roles import Role
        from ocpp_server.process import embedded_signer, start_roles

        if options["embedded"] and (given := embedded_signer.follow_parent(sys.stdin)):
            settings.SIGNER_PASSPHRASE = given
        if status := start_roles.serve(Role.SIGNER):
            raise SystemExit(status)
