"""Personal data: the export as a file, and the erasure of a user, which keeps the sessions."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from accounts.models import Contract, Member, Token, UnknownToken, User
from chargepoints.models import ChargePoint, Command, FollowUp, Message
from chargepoints.services.follow_ups import personal
from ocpp_server.domain import Conflict
from tests.direct.accounts import a_contract, a_person, a_token
from transactions.models import Refusal, RemoteStart, Transaction, TransactionEvent
from transactions.services import privacy

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
UID = "04:a2:B3:c4"


@pytest.fixture
def alice(db: None) -> User:
    """A user who charged twice with one token in two spellings, and was refused once."""
    alice = a_person(email="alice@example.com", phone="+43 1 234", language="de")
    contract = a_contract(owner=a_person("Bob"))
    Member.objects.create(contract=contract, user=alice)
    token = a_token(UID, user=alice, contract=contract, name="Alice's card", visual_number="123")
    station = ChargePoint.objects.create(identity="CP-1", ocpp_version="ocpp2.0.1")
    for number, uid in ((1000, UID), (1001, "04A2B3C4")):
        session = Transaction.objects.create(
            id=number,
            ocpp_id=str(number),
            charge_point=station,
            token=token if number == 1000 else None,
            id_token=uid,
            stop_id_token=uid.lower(),
            energy_wh=1000,
            status="ended",
            started_at=NOON,
            start_received_at=NOON,
            last_message_at=NOON,
        )
    TransactionEvent.objects.create(
        transaction=session,
        seq_no=0,
        type="Started",
        fingerprint=1,
        payload='{"idToken":{"idToken":"04A2B3C4","type":"ISO14443"}}',
        at=NOON,
        received_at=NOON,
    )
    Message.objects.create(
        charge_point=station,
        direction="in",
        message_id="1",
        action="Authorize",
        request='{"idToken":{"idToken": "04:A2:b3:C4", "type":"ISO14443"}, "other": "x04:A2:B3:C4x"}',
        response='{"idTokenInfo":{"status":"Accepted"}}',
        size=1,
        at=NOON,
    )
    command = Command.objects.create(
        id="c1",
        charge_point=station,
        action="RequestStartTransaction",
        payload={"idToken": {"idToken": UID}, "remoteStartId": 1},
        created_at=NOON,
        deadline_at=NOON,
    )
    for number, text in enumerate((f"last token: {UID}", "born in 1990", "nothing about this person")):
        FollowUp.objects.create(
            charge_point=station,
            # The second text names nobody, but it was asked for with the token.
            command=command if number == 1 else None,
            action="NotifyCustomerInformation",
            payload='{"idToken": "04A2B3C4"}' if number == 0 else "{}",
            personal_data=personal.seal(text),
            fingerprint=str(number),
            received_at=NOON,
        )
    RemoteStart.objects.create(
        command=command, charge_point=station, id_token=UID, created_at=NOON, expires_at=NOON
    )
    Refusal.objects.create(
        charge_point=station,
        token=token,
        id_token=UID,
        purpose="start",
        status="Blocked",
        reason="R.",
        at=NOON,
    )
    LogEntry.objects.create(
        user=a_person("Operator", is_staff=True),
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(alice.pk),
        object_repr="Alice",
        action_flag=CHANGE,
        change_message="alice@example.com",
    )
    return alice


def everything() -> str:
    """The whole database as text."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - table names of this project
            rows += cursor.fetchall()
    return json.dumps(rows, default=str).casefold()


def test_an_export_has_all_stored_data_about_a_user(alice: User) -> None:
    document = privacy.export(alice)

    assert document["person"]["email"] == "alice@example.com"
    assert [token["uid"] for token in document["tokens"]] == [UID]
    assert [session["energy_wh"] for session in document["sessions"]] == [1000]
    assert document["contracts"][0] == document["contracts"][0] | {
        "contract_id": "C-1",
        "member_role": "member",
    }
    assert [refusal["reason"] for refusal in document["refusals"]] == ["R."]


@pytest.mark.django_db(transaction=True)
def test_after_erasure_nothing_in_the_database_leads_to_the_person(alice: User) -> None:
    erased = privacy.erase(alice)

    left = everything()
    for word in ("alice", "+43 1 234", '"04:a2:b3:c4', '"04a2b3c4', '\\"04a2b3c4'):
        assert word not in left, word
    assert erased == (1, 2, 4)
    kept = FollowUp.objects.exclude(personal_data="").get()
    assert personal.unseal(kept.personal_data) == "nothing about this person"
    alice.refresh_from_db()
    assert (alice.status, alice.is_active, alice.is_erased) == ("closed", False, True)


@pytest.mark.django_db(transaction=True)
def test_the_sessions_stay_and_keep_one_token(alice: User) -> None:
    privacy.erase(alice)

    sessions = list(Transaction.objects.order_by("pk"))
    names = {name for session in sessions for name in (session.id_token, session.stop_id_token)}
    assert len(names) == 1 and names.pop() == Token.objects.get().uid
    assert [session.energy_wh for session in sessions] == [1000, 1000]
    assert Message.objects.get().request.endswith('"other": "x04:A2:B3:C4x"}')
    assert Command.objects.get().payload["idToken"]["idToken"] == Token.objects.get().uid
    assert Token.objects.get().valid is False
    assert Member.objects.get(user=alice).status == "removed"


def test_a_vehicle_is_erased_in_every_spelling_of_its_address(db: None) -> None:
    alice = a_person()
    a_token("VID:AABBCC001122", user=alice, type="OTHER")
    station = ChargePoint.objects.create(identity="CP-1")
    for text in ("aa:bb:cc:00:11:22", "AABBCC001122", "VID:aa-bb-cc-00-11-22"):
        Message.objects.create(
            charge_point=station,
            direction="in",
            message_id="1",
            action="Authorize",
            request=json.dumps({"idToken": {"idToken": text, "type": "MacAddress"}}),
            size=1,
            at=NOON,
        )

    privacy.erase(alice)

    assert {json.loads(row.request)["idToken"]["idToken"] for row in Message.objects.all()} == {
        Token.objects.get().uid
    }


@pytest.mark.parametrize(
    ("hindrance", "reason"),
    [
        (lambda alice: User.objects.filter(pk=alice.pk).update(is_staff=True), "sign in"),
        (lambda alice: a_contract("C-2", owner=alice), "owns the active contract C-2"),
        (lambda alice: Transaction.objects.filter(pk=1000).update(status="active"), "still running"),
        (lambda alice: User.objects.filter(pk=alice.pk).update(erased_at=NOON), "erased already"),
    ],
)
def test_a_refused_erasure_names_the_reason_and_changes_nothing(
    alice: User, hindrance: Any, reason: str
) -> None:
    hindrance(alice)
    alice = User.objects.get(pk=alice.pk)
    before = everything()

    with pytest.raises(Conflict, match=reason):
        privacy.erase(alice)

    assert everything() == before


def test_a_token_without_a_person_is_not_touched(alice: User) -> None:
    a_token("OTHER", name="Somebody")
    UnknownToken.objects.create(uid="NEW", uid_key="new", first_seen_at=NOON, last_seen_at=NOON)

    privacy.erase(alice)

    assert Token.objects.filter(uid="OTHER", name="Somebody", valid=True).exists()
    assert UnknownToken.objects.count() == 1
    assert Contract.objects.get().status == "active"
