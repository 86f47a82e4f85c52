"""Run the periodic jobs: `manage.py housekeeping`. Run it on two machines, in case one fails."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = (
        "Run the deadlines, expiries and retention of a distributed server until a signal arrives. Several "
        "may run: one is elected. Where none runs, an elected web process does the same."
    )
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        # Inside: `--help` needs neither the engine nor its settings.
        from ocpp_server.environment.roles import Role
        from ocpp_server.process import start_roles

        if status := start_roles.serve(Role.HOUSEKEEPING):
            raise SystemExit(status)
