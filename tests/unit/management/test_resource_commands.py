"""manage.py stations, tokens, keys and configuration, through the views of this process."""

from __future__ import annotations

import getpass
import io
import json
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from asgiref.sync import async_to_sync
from django.core.management import get_commands, load_command_class
from django.test import Client

from accounts.models import ApiKey, Token
from accounts.services import api_keys
from chargepoints.models import ChargePoint
from ocpp_server.management import running_server
from ocpp_server.management.api import Answer, Api, read_answer
from ocpp_server.management.tables import Table, printable, text_of
from ocpp_server.transport.handshake.authentication import verify

pytestmark = pytest.mark.django_db


class Outcome(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON objects, one a line."""
        return [json.loads(text) for text in self.out.splitlines()]


class ApiOfThisProcess(Api):
    """The REST API without a socket."""

    def _request(self, method: str, path: str, body: dict[str, Any] | None, timeout: float) -> Answer:
        headers = {"Authorization": f"Api-Key {self.key}"} if self.key else {}
        content = b"" if body is None else json.dumps(body).encode()
        response = Client().generic(method, path, content, "application/json", headers=headers)
        return read_answer(response.status_code, response.content)


Manage = Callable[..., Outcome]


@pytest.fixture
def manage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Manage:
    """Runs a command; `typed` is its standard input."""
    monkeypatch.setattr(running_server, "Api", ApiOfThisProcess)

    def run(name: str, *words: str, typed: str = "") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        code = 0
        try:
            command: Any = load_command_class(str(get_commands()[name]), name)
            command._called_from_command_line = True
            options = command.create_parser("manage.py", name).parse_args(words)
            command.execute(**vars(options))
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        return Outcome(code, *capsys.readouterr())

    return run


def test_a_token_is_added_changed_blocked_and_invalidated(manage: Manage) -> None:
    added = manage("tokens", "add", "04A1", "--name", "Ann", "--type", "RFID", "--json")
    changed = manage("tokens", "change", "04a1", "--visual-number", "17", "--is-master", "true")
    blocked, unblocked = manage("tokens", "block", "04A1"), manage("tokens", "unblock", "04A1")
    unconfirmed = manage("tokens", "invalidate", "04A1")
    invalidated = manage("tokens", "invalidate", "04A1", "--yes")

    assert [one.code for one in (added, changed, blocked, unblocked, unconfirmed, invalidated)] == [
        0,
        0,
        0,
        0,
        2,
        0,
    ]
    ((row),) = added.rows
    assert (row["uid"], row["name"], row["status"]) == ("04A1", "Ann", "active")
    assert blocked.out == "Token 04A1 blocked.\n"
    assert "--yes" in unconfirmed.err
    token = Token.objects.get()
    assert (token.visual_number, token.is_master, token.valid) == ("17", True, False)


def test_a_field_is_named_with_its_reason(manage: Manage) -> None:
    plain = manage("tokens", "add", "04A1", "--language", "german")
    told = manage("tokens", "add", "04A1", "--language", "german", "--json")
    unparsed = manage("tokens", "add", "04A1", "--user-id", "Ann")

    assert (plain.code, plain.out, told.code, told.err, unparsed.code) == (2, "", 2, "", 2)
    assert "language" in plain.err and "ISO 639-1" in plain.err
    ((report),) = told.rows
    assert report["success"] is False and report["exitCode"] == 2
    assert report["errors"][0]["field"] == "language"
    assert "--user-id" in unparsed.err


def test_an_empty_text_is_null_where_a_field_may_be_null(manage: Manage) -> None:
    manage("tokens", "add", "04A1", "--expires-at", "2030-01-01T00:00:00Z", "--group-id", "")

    manage("tokens", "change", "04A1", "--expires-at", "")

    assert Token.objects.get().expires_at is None


def test_the_others_are_done_if_one_of_several_names_is_unknown(manage: Manage) -> None:
    for uid in ("A1", "A2"):
        manage("tokens", "add", uid)

    done = manage("tokens", "block", "A1", "NONE", "A2", "--json")

    assert done.code == 2
    assert [row.get("uid") or row["name"] for row in done.rows] == ["A1", "NONE", "A2"]
    assert [row.get("success") for row in done.rows] == [None, False, None]


def test_a_change_without_a_field_is_refused(manage: Manage) -> None:
    assert manage("tokens", "change", "A1") == (2, "", "Nothing to change: give an option for each field.\n")


def test_a_list_goes_through_all_pages(manage: Manage) -> None:
    ChargePoint.objects.bulk_create(
        ChargePoint(
            identity=f"CP-{number:03}",
            identity_key=f"cp-{number:03}",
            vendor="Acme" if number < 3 else "Other",
        )
        for number in range(203)
    )

    everything = manage("stations", "list", "--json", "--fields", "clientId")
    limited = manage("stations", "list", "--limit", "201", "--json", "--fields", "clientId,vendor")
    filtered = manage("stations", "list", "--vendor", "Acme", "--is-online", "false")

    assert [row["clientId"] for row in everything.rows] == [f"CP-{number:03}" for number in range(203)]
    assert len(limited.rows) == 201 and limited.rows[0] == {"clientId": "CP-000", "vendor": "Acme"}
    assert filtered.out.splitlines()[0].split()[:2] == ["clientId", "isOnline"]
    assert [text.split()[:2] for text in filtered.out.splitlines()[1:]] == [
        [f"CP-00{number}", "no"] for number in range(3)
    ]


def test_a_station_is_added_with_a_password_accepted_and_deleted(manage: Manage) -> None:
    added = manage("stations", "add", "CP-7", "--registration-status", "Pending", "--tags", "depot", "north",
                   "--password-stdin", typed="first-secret\n")  # fmt: skip
    accepted = manage("stations", "accept", "CP-7")
    given = manage("stations", "set-password", "CP-7", "--password-stdin", typed="second-secret\n")
    row = ChargePoint.objects.get()
    shown = manage("stations", "show", "CP-7")
    deleted = manage("stations", "delete", "CP-7", "--yes")

    assert [one.code for one in (added, accepted, given, shown, deleted)] == [0, 0, 0, 0, 0]
    assert (row.registration_status, row.security_profile) == ("Accepted", 1)
    assert async_to_sync(verify)(row.password_hash, b"second-secret")
    assert not any("secret" in one.out + one.err for one in (added, accepted, given, shown, deleted))
    assert "tags" in shown.out and "depot, north" in shown.out
    assert not ChargePoint.objects.exists()


def test_a_password_is_not_taken_from_the_command_line_or_a_pipe_by_accident(manage: Manage) -> None:
    refused = manage("stations", "set-password", "CP-7", typed="secret\n")

    assert refused == (2, "", "password: give it with --password-stdin.\n")
    assert manage("stations", "change", "CP-7", "--password", "secret").code == 2


def test_a_key_is_printed_once_rolled_and_revoked(manage: Manage) -> None:
    added = manage("keys", "add", "billing", "--scopes", "transactions:read", "tokens:read", "--json")
    number = str(added.rows[0]["id"])
    rolled = manage("keys", "roll", number, "--overlap", "0")
    listed = manage("keys", "list", "--json")
    revoked = manage("keys", "revoke", str(ApiKey.objects.get(replaces=number).pk), "--yes")

    key = api_keys.find(added.rows[0]["key"])
    assert key is None  # rolled without an overlap
    plain = next(text.split()[1] for text in rolled.out.splitlines() if text.startswith("key"))
    assert plain.startswith("ocs_") and api_keys.find(plain) is None
    assert [row["name"] for row in listed.rows] == ["billing", "billing"]  # not that of the command itself
    assert all("key" not in row for row in listed.rows)
    assert revoked.code == 0
    assert not ApiKey.objects.usable().exists()


def test_stored_configuration_is_read_and_changed(manage: Manage) -> None:
    ChargePoint.objects.create(identity="CP-7")

    changed = manage("configuration", "set", "CP-7", "HeartbeatInterval", "77")
    refused = manage("configuration", "set", "CP-7", "NumberOfConnectors", "3")
    known = manage("configuration", "get", "CP-7", "HeartbeatInterval", "--json")
    unknown = manage("configuration", "get", "CP-7", "HeartbeatInterval", "NoSuchKey")

    assert (changed.code, refused.code, known.code, unknown.code) == (0, 1, 0, 2)
    assert "Rejected" in refused.err
    assert known.rows == [{"clientId": "CP-7", "key": "HeartbeatInterval", "value": "77", "readonly": False}]
    assert "77" in unknown.out and unknown.err == "CP-7 has no key NoSuchKey.\n"


def test_every_step_has_help(manage: Manage) -> None:
    for name in ("stations", "tokens", "keys", "configuration"):
        command: Any = load_command_class(str(get_commands()[name]), name)
        for step in command.steps:
            shown = manage(name, step.name, "--help")

            assert shown.code == 0 and "--json" in shown.out and "Exit codes" in shown.out


def test_a_terminal_gets_no_control_characters_of_a_station() -> None:
    table = Table(("vendor", "tags"))

    assert list(table.add({"vendor": "A\x1b[2J", "tags": ["x\n", "y"]})) == []
    assert list(table.rest()) == ["vendor    tags", r"A\x1b[2J  x\n, y"]
    assert printable("Bjørn\t") == "Bjørn\\t"
    assert [text_of(value) for value in (None, True, {"a": 1}, [])] == ["-", "yes", '{"a": 1}', "-"]


def test_a_limit_counts_the_rows_that_are_shown(manage: Manage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "ann")
    for number in range(3):
        ApiKey.objects.create(name=f"zone {number}", prefix=f"old{number}", digest=f"{number}")
        manage("keys", "show", "1")  # leaves a revoked key of its own, which is hidden

    shown = manage("keys", "list", "--limit", "2", "--json")

    assert ApiKey.objects.filter(name="manage.py (ann)").count() == 4
    assert len(shown.rows) == 2
    assert all(row["name"].startswith("zone ") for row in shown.rows)
