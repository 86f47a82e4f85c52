"""Process the messages of stations that are connected to gateways: `manage.py process_queue`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Process the messages of stations at gateways until a signal arrives. Start as many as needed."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        # Inside: `--help` needs neither the engine nor its settings.
        from ocpp_server.environment.roles import Role
        from ocpp_server.process import start_roles

        if status := start_roles.serve(Role.PROCESSOR):
            raise SystemExit(status)
