"""Encrypts the secrets in the database with the current SECRET_KEY."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ocpp_server import encryption


class Command(BaseCommand):
    help = (
        "Encrypts the secrets in the database with the current SECRET_KEY. Afterwards the keys in "
        "SECRET_KEY_FALLBACKS are no longer needed for them. It can run beside a server, and be repeated."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        unreadable = 0
        for column in encryption.registered():
            counts = encryption.encrypt_again(column)
            unreadable += counts.unreadable
            self.stdout.write(
                f"{column}: {counts.changed} encrypted again, {counts.unchanged} unchanged, "
                f"{counts.unreadable} unreadable"
            )
        if unreadable:
            raise CommandError(
                f"{unreadable} values were encrypted with a key that is neither SECRET_KEY nor in "
                "SECRET_KEY_FALLBACKS."
            )
