"""Do what has to happen without a message: `manage.py housekeeping`, on two machines where one may fail."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = (
        "Deadlines, expiries and retention of a distributed server, until a signal comes. Several may run: "
        "one is elected, and goes before the web processes, which do the same where none of these runs."
    )
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        from ocpp_server.environment.roles import Role
        from ocpp_server.process import start_roles

        if status := start_roles.serve(Role.HOUSEKEEPING):
            raise SystemExit(status)
