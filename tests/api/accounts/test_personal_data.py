"""The export of all that is stored about a person over REST, and the erasure."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import AuditEntry, Member, Token, User
from chargepoints.models import ChargePoint
from tests.api.conftest import NOON, Caller
from tests.direct.accounts import a_contract, a_person, a_token
from transactions.models import Transaction


@pytest.fixture
def alice(db: None) -> User:
    """A member of a contract who has charged once."""
    alice = a_person("Alice", email="alice@example.com", phone="+43 1 234")
    contract = a_contract(owner=a_person("Bob"))
    Member.objects.create(contract=contract, user=alice)
    token = a_token("ALICE-CARD", user=alice, contract=contract)
    Transaction.objects.create(
        id=1000,
        ocpp_id="1000",
        charge_point=ChargePoint.objects.create(identity="CP-1"),
        token=token,
        id_token="ALICE-CARD",
        energy_wh=1500.5,
        status="ended",
        started_at=NOON,
        start_received_at=NOON,
        last_message_at=NOON,
    )
    return alice


def address(user: User, what: str) -> str:
    return f"/api/v1/users/{user.pk}/{what}"


def test_an_administrator_exports_everything_about_a_person(administrator: Caller, alice: User) -> None:
    data = administrator.get(address(alice, "export")).info

    assert data["person"]["email"] == "alice@example.com"
    assert [token["uid"] for token in data["tokens"]] == ["ALICE-CARD"]
    (session,) = data["sessions"]
    assert (session["station"], session["energy_wh"], session["started_at"]) == (
        "CP-1",
        1500.5,
        "2026-05-04T12:00:00.000Z",
    )
    assert data["contracts"][0]["member_role"] == "member"
    assert data["refusals"] == data["reservations"] == data["battery_swaps"] == []


def test_an_administrator_erases_a_person_and_the_session_stays(administrator: Caller, alice: User) -> None:
    erased = administrator.post(address(alice, "erase"))

    assert erased.info == {"tokens": 1, "sessions": 1, "messages": 0}
    assert "Alice" not in erased.answer["message"]
    assert Transaction.objects.get().id_token == Token.objects.get().uid != "ALICE-CARD"
    again = administrator.post(address(alice, "erase"))
    assert (again.status_code, again.answer["message"]) == (409, "This person has been erased already.")
    assert administrator.get(address(alice, "export")).info["person"]["name"] == ""


def test_the_step_that_must_come_first_is_named(administrator: Caller, alice: User) -> None:
    Transaction.objects.update(status="active")

    refused = administrator.post(address(alice, "erase"))

    assert (refused.status_code, refused.info["code"]) == (409, "transaction-running")
    assert User.objects.get(pk=alice.pk).name == "Alice"


@pytest.mark.parametrize(("method", "what"), [("GET", "export"), ("POST", "erase")])
def test_only_administrators_may(operator: Caller, alice: User, method: str, what: str) -> None:
    refused = operator.request(method, address(alice, what), {} if method == "POST" else None)

    assert refused.status_code == 403
    assert Token.objects.get().uid == "ALICE-CARD"


def test_a_console_login_and_an_unknown_number_are_no_person(administrator: Caller, db: None) -> None:
    login = User.objects.create_superuser("root")

    for user in (login, User(pk=999_999)):
        assert administrator.get(address(user, "export")).status_code == 404
        assert administrator.post(address(user, "erase")).status_code == 404


def test_an_erasure_takes_no_fields(administrator: Caller, alice: User) -> None:
    refused = administrator.post(address(alice, "erase"), {"force": True})

    assert (refused.status_code, refused.info["param"]) == (400, "force")


def test_both_are_in_the_audit_log(administrator: Caller, alice: User) -> None:
    administrator.get(address(alice, "export"))
    administrator.post(address(alice, "erase"))

    entries: list[Any] = list(AuditEntry.objects.order_by("pk").values_list("action", "status", "path"))
    assert entries == [
        ("exportUser", 200, address(alice, "export")),
        ("eraseUser", 200, address(alice, "erase")),
    ]
