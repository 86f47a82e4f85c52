"""The rights of each role, and the table of them in the documentation."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_server import rights
from ocpp_server.credentials import Role, failed_login, on_failed_login, role_of
from ocpp_server.rights import RIGHTS, Right

VIEWER, OPERATOR, ADMINISTRATOR = Role


def caller(role: str, *, is_superuser: bool = False) -> Any:
    return SimpleNamespace(role=role, is_superuser=is_superuser)


# The lowest role of each right: a change here is one of docs/roles.md.
LOWEST = {
    Right.READ: VIEWER,
    Right.COMMANDS: OPERATOR,
    Right.SESSIONS: OPERATOR,
    Right.NOTES: OPERATOR,
    Right.ALERTS: OPERATOR,
    Right.STATIONS: OPERATOR,
    Right.SITES: OPERATOR,
    Right.MAINTENANCE: OPERATOR,
    Right.LOGS: OPERATOR,
    Right.CAMPAIGNS: OPERATOR,
    Right.TOKENS: OPERATOR,
    Right.SANDBOX: OPERATOR,
    Right.PEOPLE: OPERATOR,
    Right.STATION_ACCESS: ADMINISTRATOR,
    Right.CORRECTIONS: ADMINISTRATOR,
    Right.CONTRACTS: ADMINISTRATOR,
    Right.IMPORTS: ADMINISTRATOR,
    Right.FIRMWARE: ADMINISTRATOR,
    Right.CERTIFICATES: ADMINISTRATOR,
    Right.ALERT_RULES: ADMINISTRATOR,
    Right.PERSONAL_DATA: ADMINISTRATOR,
    Right.DELETION: ADMINISTRATOR,
    Right.ALERT_RECIPIENTS: ADMINISTRATOR,
    Right.LOGINS: ADMINISTRATOR,
    Right.WEBHOOKS: ADMINISTRATOR,
    Right.AUDIT: ADMINISTRATOR,
}


def test_every_right_has_its_lowest_role() -> None:
    assert {right: rights.role_for(right) for right in Right} == LOWEST
    assert set(RIGHTS) == set(Right)


@pytest.mark.parametrize("right", Right)
@pytest.mark.parametrize("role", Role)
def test_a_role_has_the_rights_of_the_lower_ones_and_no_more(role: Role, right: Right) -> None:
    order = [VIEWER, OPERATOR, ADMINISTRATOR]

    assert rights.allows(caller(role), right) is (order.index(role) >= order.index(LOWEST[right]))
    assert rights.allows(caller(VIEWER, is_superuser=True), right) is True


@pytest.mark.parametrize(
    ("role", "needed", "is_enough"),
    [
        ("viewer", "viewer", True),
        ("viewer", "operator", False),
        ("operator", "operator", True),
        ("operator", "administrator", False),
        ("administrator", "operator", True),
    ],
)
def test_a_role_is_compared_as_a_text_too(role: str, needed: str, is_enough: bool) -> None:
    assert rights.has_role(caller(role), needed) is is_enough


@pytest.mark.parametrize("role", ["", "root", "Administrator"])
def test_an_unknown_role_has_no_rights(role: str) -> None:
    with pytest.raises(ValueError, match="is not a valid Role"):
        rights.has_role(caller(role), VIEWER)


def test_a_superuser_is_an_administrator_and_others_have_their_role() -> None:
    assert [role_of(caller(role)) for role in Role] == ["viewer", "operator", "administrator"]
    assert role_of(caller(VIEWER, is_superuser=True)) == "administrator"


def test_the_table_has_a_line_of_marks_for_each_right() -> None:
    begin, empty, heads, rule, *lines, last, end = rights.block().split("\n")

    assert (begin, empty, last, end) == (rights.BEGIN, "", "", rights.END)
    assert (heads, rule) == ("| right | viewer | operator | administrator |", "|---|---|---|---|")
    marks = {VIEWER: "yes | yes | yes", OPERATOR: "- | yes | yes", ADMINISTRATOR: "- | - | yes"}
    assert lines == [f"| {words} | {marks[role]} |" for role, words in RIGHTS.values()]


def test_the_table_replaces_the_one_of_a_page_and_nothing_else() -> None:
    page = f"before\n{rights.BEGIN}\nold\n{rights.END}\nafter {rights.BEGIN} {rights.END}\n"

    assert rights.written(page) == f"before\n{rights.block()}\nafter {rights.BEGIN} {rights.END}\n"


@pytest.mark.parametrize("page", ["", "x", rights.BEGIN, f"{rights.END} x", f"{rights.END}{rights.BEGIN}"])
def test_a_page_without_both_markers_is_an_error(page: str) -> None:
    with pytest.raises(ValueError, match=r"roles\.md has no block"):
        rights.written(page)


def test_a_failed_login_is_noted_once_by_every_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[dict[str, str]] = []

    def note(**what: str) -> None:
        noted.append(what)

    monkeypatch.setattr("ocpp_server.credentials._failed_login", [])
    on_failed_login(note)
    on_failed_login(note)
    failed_login(type="FailedApiKey", address="192.0.2.1", tech_info="Wrong.")

    assert noted == [{"type": "FailedApiKey", "address": "192.0.2.1", "tech_info": "Wrong."}]
