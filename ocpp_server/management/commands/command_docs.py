"""Write docs/commands.md from the declarations of commands."""

from typing import Any

from django.core.management.base import BaseCommand

from ocpp_server.command_docs import PAGE, commands_page


class Command(BaseCommand):
    help = "Write docs/commands.md from the declarations of commands. For developers of this server."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        PAGE.write_text(commands_page())
