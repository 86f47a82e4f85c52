"""Create what a new installation needs for the first login: an operator, an API key and the demo's tokens."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.models import ApiKey, Token, User
from accounts.services import api_keys

DEMO_TOKENS = {"DEMO-ALICE": "Alice", "DEMO-BOB": "Bob", "DEMO-CAROL": "Carol"}
FIRST_LOGIN = "first-login.txt"


class Command(BaseCommand):
    help = (
        "Create the first operator and the first API key, unless they exist. Prints the generated "
        f"credentials as JSON and stores them in DATA_DIR/{FIRST_LOGIN} (mode 600); prints {{}} when nothing "
        "was generated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--demo", action="store_true", help="also create the tokens of the demo's drivers"
        )

    def handle(self, *args: Any, **options: Any) -> str:
        try:
            # The file is written before the commit: stored credentials that were never shown would lock the
            # operator out, while the next start replaces a file without its rows.
            with transaction.atomic():
                generated = create_operator() | create_api_key()
                if options["demo"]:
                    create_demo_tokens()
                if generated:
                    generated["file"] = str(write_first_login(settings.DATA_DIR / FIRST_LOGIN, generated))
        except OSError as error:
            path = settings.DATA_DIR / FIRST_LOGIN
            raise CommandError(f"{path} cannot be written ({error.strerror}).") from None
        return json.dumps(generated)


def create_operator() -> dict[str, str]:
    """Create the superuser when there is none. Returns its name and password when they were generated."""
    if User.objects.filter(is_superuser=True).exists():
        return {}
    username: str = settings.DJANGO_SUPERUSER_USERNAME
    password: str = settings.DJANGO_SUPERUSER_PASSWORD
    if User.objects.filter(username=username).exists():
        raise CommandError(
            f"DJANGO_SUPERUSER_USERNAME: user {username} exists but is not a superuser. Choose another name."
        )
    generated = {} if password else {"username": username, "password": secrets.token_urlsafe(12)}
    User.objects.create_superuser(
        username=username,
        email="",
        password=password or generated["password"],
        role=User.Role.ADMINISTRATOR,
    )
    return generated


def create_api_key() -> dict[str, str]:
    """Create the API key from the environment, or generate one when none is set. Returns a generated key."""
    wanted: str = settings.OCPP_BOOTSTRAP_API_KEY
    if wanted:
        if not ApiKey.objects.filter(digest=api_keys.digest(wanted)).exists():
            api_keys.create(name="OCPP_BOOTSTRAP_API_KEY", role=User.Role.ADMINISTRATOR, plain=wanted)
        return {}
    if ApiKey.objects.exists():
        return {}
    _, plain = api_keys.create(name="First start", role=User.Role.ADMINISTRATOR)
    return {"api_key": plain}


def create_demo_tokens() -> None:
    for uid, name in DEMO_TOKENS.items():
        if not Token.objects.filter(uid=uid, type=Token.Type.RFID).exists():
            Token.objects.create(uid=uid, type=Token.Type.RFID, name=f"{name} (demo)")


def write_first_login(path: Path, generated: dict[str, str]) -> Path:
    """Store the generated credentials in a file that only the server's user can read. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = {"username": "Operator", "password": "Password", "api_key": "API key"}
    lines = [f"{labels[name]}: {value}" for name, value in generated.items()]
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".first-login-")  # mkstemp makes mode 600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    os.replace(draft, path)
    return path
