"""Write the generated documents of the API and of commands."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ocpp_server.action_docs import PAGE as PROTOCOL_PAGE
from ocpp_server.action_docs import protocol_page
from ocpp_server.api import codes, compatibility, examples, snapshots
from ocpp_server.api.pages import document
from ocpp_server.command_docs import PAGE as COMMANDS_PAGE
from ocpp_server.command_docs import commands_page


class Command(BaseCommand):
    help = (
        "Write the examples of the OpenAPI document, docs/openapi/<version>.json, docs/errors.md, "
        "docs/commands.md and the tables of docs/ocpp-protocol.md. For developers of this server."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--allow-breaking",
            action="store_true",
            help="Write changes that break existing clients, too; name them in CHANGELOG.md.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        codes.PAGE.write_text(codes.page(), "utf-8")
        COMMANDS_PAGE.write_text(commands_page(), "utf-8")
        PROTOCOL_PAGE.write_text(protocol_page(), "utf-8")
        found = examples.text()
        if found != examples.FILE.read_text("utf-8"):
            examples.FILE.write_text(found, "utf-8")
            examples.stored.cache_clear()
            document.cache_clear()  # it has the examples
        file = snapshots.file_of()
        if file.exists():
            was, now = snapshots.read(file), snapshots.plain()
            if was == now:
                return
            if (lines := compatibility.breaking(was, now)) and not options["allow_breaking"]:
                raise CommandError(
                    "\n".join(["These changes break clients (--allow-breaking writes them):", *lines])
                )
            for line in (*lines, *(f"{name}: new" for name in compatibility.added(was, now))):
                self.stdout.write(line)
        file.write_text(snapshots.text(), "utf-8")
