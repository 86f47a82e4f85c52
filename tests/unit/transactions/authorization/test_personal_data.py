"""Personal data in each of its places: what an export contains, and what an erasure replaces or keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

from accounts.models import Contract, Member, Token, TokenGroup, UnknownToken, User
from chargepoints.models import ChargePoint, Command, Deviation, FollowUp, Message
from chargepoints.services.provisioning import stations
from events.models import Event
from ocpp_server.domain import Conflict
from ocpp_server.error_codes import Code
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import charging
from tests.direct.accounts import a_contract, a_person, a_token
from transactions.models import (
    QuarantinedMessage,
    Refusal,
    RemoteStart,
    Settlement,
    Transaction,
    TransactionEvent,
)
from transactions.services import privacy

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
UID = "04:a2:B3:c4"


@pytest.fixture
def charger(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1")


@pytest.fixture
def alice(db: None) -> User:
    alice = a_person("Alice Example", email="alice@example.com", phone="+43 1 234", language="de")
    a_token(UID, user=alice, name="Alice's card", visual_number="NO-4711")
    return alice


def a_session(charger: ChargePoint, **more: Any) -> Transaction:
    number = 1000 + Transaction.objects.count()
    values: dict[str, Any] = {"status": "ended", "started_at": NOON, "start_received_at": NOON}
    return Transaction.objects.create(
        id=number, ocpp_id=str(number), charge_point=charger, last_message_at=NOON, **(values | more)
    )


# -- erasure of each column ----------------------------------------------------------------------------------


def a_message(charger: ChargePoint, **texts: Any) -> Message:
    values = {"direction": "in", "message_id": "1", "action": "Authorize", "size": 1, "at": NOON}
    return Message.objects.create(charge_point=charger, **(values | {"request": "{}"} | texts))


def a_follow_up(charger: ChargePoint, **texts: Any) -> FollowUp:
    return FollowUp.objects.create(
        charge_point=charger, action="NotifyReport", fingerprint="1", received_at=NOON, **texts
    )


def an_event(charger: ChargePoint, **texts: Any) -> TransactionEvent:
    return TransactionEvent.objects.create(
        transaction=a_session(charger),
        seq_no=0,
        type="Started",
        fingerprint=1,
        at=NOON,
        received_at=NOON,
        **texts,
    )


def a_quarantined_message(charger: ChargePoint, **texts: Any) -> QuarantinedMessage:
    return QuarantinedMessage.objects.create(
        charge_point=charger, action="StopTransaction", reason="bad-message", received_at=NOON, **texts
    )


def a_deviation(charger: ChargePoint, **texts: Any) -> Deviation:
    return Deviation.objects.create(charge_point=charger, kind="k", first_at=NOON, last_at=NOON, **texts)


TEXTS: list[tuple[Callable[..., models.Model], str]] = [
    (a_message, "request"),
    (a_message, "response"),
    (a_message, "error_description"),
    (a_follow_up, "payload"),
    (an_event, "payload"),
    (a_quarantined_message, "payload"),
    (a_deviation, "example"),
    (a_deviation, "detail"),
]


@pytest.mark.parametrize(("make", "column"), TEXTS)
@pytest.mark.parametrize("written", [UID, "04A2B3C4", "04-a2-b3-c4", " 04 A2 B3 C4 ", "04.a2.b3.c4"])
def test_a_uid_in_a_stored_message_is_replaced_in_every_spelling(
    alice: User, charger: ChargePoint, make: Callable[..., models.Model], column: str, written: str
) -> None:
    text = '{{"a":1,"idTag": "{0}","b":["{0}"],"c":"x{1}"}}'
    row = make(charger, **{column: text.format(written, UID)})

    erased = privacy.erase(alice)

    row.refresh_from_db()
    assert getattr(row, column) == text.format(Token.objects.get().uid, UID)
    assert erased == (1, 0, 1)


@pytest.mark.parametrize("column", ["payload", "response"])
def test_a_uid_in_a_command_is_replaced_and_it_stays_json(
    alice: User, charger: ChargePoint, column: str
) -> None:
    row = Command.objects.create(
        id="c",
        charge_point=charger,
        action="A",
        created_at=NOON,
        deadline_at=NOON,
        **({"payload": {}} | {column: {"idTag": UID.lower(), "number": 1}}),
    )

    erased = privacy.erase(alice)

    row.refresh_from_db()
    assert getattr(row, column) == {"idTag": Token.objects.get().uid, "number": 1}
    assert erased.messages == 1


def test_a_row_that_names_others_stays_as_it_is(alice: User, charger: ChargePoint) -> None:
    texts = ['{"idTag":"04A2B3C5"}', f'{{"vendor":"x{UID}"}}', '{"idTag":""}']
    made = [a_message(charger, request=text) for text in texts]

    assert privacy.erase(alice).messages == 0
    assert [Message.objects.get(pk=row.pk).request for row in made] == texts


def test_rows_are_found_in_every_batch(
    alice: User, charger: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privacy, "_AT_ONCE", 2)
    for _ in range(5):
        a_message(charger, request=f'{{"idTag":"{UID}"}}')
    Message.objects.filter(pk__in=list(Message.objects.values_list("pk", flat=True)[1:3])).delete()

    assert privacy.erase(alice).messages == 3


def test_two_tokens_get_two_pseudonyms(alice: User, charger: ChargePoint) -> None:
    a_token("SECOND", user=alice)
    for uid in (UID, "second", UID):
        a_session(charger, id_token=uid)

    erased = privacy.erase(alice)

    first, second = Token.objects.order_by("pk").values_list("uid", flat=True)
    assert list(Transaction.objects.order_by("pk").values_list("id_token", flat=True)) == [
        first,
        second,
        first,
    ]
    assert first != second and first.startswith("erased-") and len(first) == 23
    assert erased == (2, 3, 0)


@pytest.mark.parametrize("columns", [("id_token",), ("stop_id_token",), ("id_token", "stop_id_token")])
def test_the_tokens_of_a_session_are_replaced_and_it_is_a_changed_session(
    alice: User, charger: ChargePoint, columns: tuple[str, ...]
) -> None:
    a_session(
        charger, **({"id_token": "OTHER", "stop_id_token": "OTHER"} | dict.fromkeys(columns, "04A2B3C4"))
    )
    other = a_session(charger, id_token="04A2B3C5")
    Transaction.objects.update(updated_at=NOON)

    erased = privacy.erase(alice)

    session = Transaction.objects.exclude(pk=other.pk).get()
    pseudonym = Token.objects.get().uid
    found = {"id_token": session.id_token, "stop_id_token": session.stop_id_token}
    assert found == {"id_token": "OTHER", "stop_id_token": "OTHER"} | dict.fromkeys(columns, pseudonym)
    assert timezone.now() - session.updated_at < timedelta(minutes=5)
    other.refresh_from_db()
    assert (other.id_token, other.updated_at, erased.sessions) == ("04A2B3C5", NOON, 1)


def test_refusals_and_remote_starts_keep_a_pseudonym(alice: User, charger: ChargePoint) -> None:
    command = Command.objects.create(
        id="c", charge_point=charger, action="A", payload={}, created_at=NOON, deadline_at=NOON
    )
    Refusal.objects.create(
        charge_point=charger, id_token=UID, purpose="start", status="Blocked", reason="R.", at=NOON
    )
    RemoteStart.objects.create(
        command=command, charge_point=charger, id_token=UID, created_at=NOON, expires_at=NOON
    )

    erased = privacy.erase(alice)

    pseudonym = Token.objects.get().uid
    assert (Refusal.objects.get().id_token, RemoteStart.objects.get().id_token) == (pseudonym, pseudonym)
    assert erased == (1, 0, 0)


def test_an_online_station_with_a_session_of_the_user_loads_it_again(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(stations, "changed", lambda charge_point: told.append(charge_point.identity))
    for identity, is_online, uid in (("ON", True, UID), ("OFF", False, UID), ("OTHER", True, "X")):
        a_session(ChargePoint.objects.create(identity=identity, is_online=is_online), id_token=uid)

    privacy.erase(alice)

    assert told == ["ON"]


# -- the person, the tokens and the history ------------------------------------------------------------------


def test_every_field_of_the_person_is_emptied(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(first_name="Alice", last_name="Example", password="pbkdf2$x")  # noqa: S106 - no secret
    alice.refresh_from_db()

    privacy.erase(alice)

    row = User.objects.get()
    fields = ("name", "first_name", "last_name", "email", "phone", "language")
    assert {name: getattr(row, name) for name in fields} == dict.fromkeys(fields, "")
    assert (row.username, row.status, row.is_active) == (f"erased-{row.pk}", "closed", False)
    assert not row.has_usable_password()
    assert row.erased_at is not None and timezone.now() - row.erased_at < timedelta(minutes=5)


def test_every_token_of_the_person_is_emptied_and_leaves_the_inbox(alice: User) -> None:
    other = a_token("OTHER", name="Bob's")
    for uid in (UID, "OTHER"):
        UnknownToken.objects.create(uid=uid, uid_key=uid.lower(), first_seen_at=NOON, last_seen_at=NOON)

    privacy.erase(alice)

    token = Token.objects.exclude(pk=other.pk).get()
    assert (token.name, token.visual_number, token.status, token.valid) == ("", "", "invalid", False)
    assert token.uid_key == token.uid
    other.refresh_from_db()
    assert (other.uid, other.name, other.valid) == ("OTHER", "Bob's", True)
    assert UnknownToken.objects.get().uid == "OTHER"


def test_memberships_end_and_an_ended_contract_loses_its_name(alice: User) -> None:
    ended = a_contract("ENDED", owner=alice, status="terminated")
    left, joined = [a_contract(name) for name in ("LEFT", "JOINED")]
    Contract.objects.update(name="Home")
    Member.objects.create(contract=left, user=alice, status="removed")
    Member.objects.create(contract=joined, user=alice, role="viewer")
    Member.objects.filter(contract=left).update(updated_at=NOON)

    privacy.erase(alice)

    members = {member.contract.contract_id: member for member in Member.objects.select_related("contract")}
    assert {name: (one.role, one.status) for name, one in members.items()} == {
        "ENDED": ("owner", "active"),
        "LEFT": ("member", "removed"),
        "JOINED": ("viewer", "removed"),
    }
    assert members["LEFT"].updated_at == NOON
    ended.refresh_from_db()
    assert (ended.name, ended.contract_id) == ("", "ENDED")
    assert set(Contract.objects.exclude(pk=ended.pk).values_list("name", flat=True)) == {"Home"}


def test_the_history_of_the_person_its_tokens_and_memberships_is_emptied(alice: User) -> None:
    contract = a_contract(owner=a_person("Bob"))
    member = Member.objects.create(contract=contract, user=alice)
    token = Token.objects.get()
    mine = [(User, alice.pk), (Token, token.pk), (Member, member.pk)]
    others = [(User, alice.pk + 99), (Token, token.pk + 99), (Member, member.pk + 99), (TokenGroup, token.pk)]
    operator = a_person("Operator", is_staff=True)
    for model, pk in mine + others:
        LogEntry.objects.create(
            user=operator,
            content_type=ContentType.objects.get_for_model(model),
            object_id=str(pk),
            object_repr="Alice",
            action_flag=CHANGE,
            change_message="changed",
        )

    privacy.erase(alice)

    found = list(LogEntry.objects.order_by("pk").values_list("object_repr", "change_message"))
    assert found == [("erased", "")] * 3 + [("Alice", "changed")] * 4


def test_the_events_about_the_person_and_its_tokens_name_neither(alice: User) -> None:
    token = Token.objects.get()
    for user, uid in ((alice.pk, token.pk), (alice.pk + 99, token.pk + 99)):
        outbox.emit(
            charging.TOKEN_CREATED,
            token_id=uid, uid="04:a••••", type="RFID", status="active", contract_id=None, user_id=user,
        )  # fmt: skip

    privacy.erase(alice)

    erased, kept = [json.loads(row.data) for row in Event.objects.order_by("pk")]
    assert (erased["user_id"], erased["uid"]) == (None, outbox.MASKED)
    assert (kept["user_id"], kept["uid"]) == (alice.pk + 99, "04:a••••")


def test_a_person_without_tokens_is_erased(db: None) -> None:
    person = a_person("Carol")

    assert privacy.erase(person) == (0, 0, 0)
    assert User.objects.get().is_erased


@pytest.mark.parametrize(
    ("uid", "type", "written"),
    [
        ("VID:AABBCC001122", "OTHER", "VID:aa:bb:cc:00:11:22"),
        ("VID:AABBCC001122", "OTHER", "aa-bb-cc-00-11-22"),
        ("vid:aabbcc001122", "OTHER", "VID:AA.BB.CC.00.11.22"),
        ("AA BB CC 00 11 22", "RFID", "AABBCC001122"),
        ("Plain text", "RFID", "PLAIN TEXT"),
        ("Käfer-1", "APP_USER", "KÄFER-1"),
        ("KÄFER-1", "APP_USER", "käfer-1"),
        ("Straße-1", "APP_USER", "Straße-1"),
        ("Straße-1", "APP_USER", "STRASSE-1"),
        ("KÄFER-ß", "APP_USER", "käfer-ß"),
        ("04:a2-B3 c4", "RFID", "04:A2-b3 C4"),
    ],
)
def test_a_uid_is_found_in_the_spellings_of_its_form(
    charger: ChargePoint, uid: str, type: str, written: str
) -> None:
    alice = a_person()
    a_token(uid, user=alice, type=type)
    row = a_message(charger, request=json.dumps({"idTag": written}, ensure_ascii=False))

    privacy.erase(alice)

    row.refresh_from_db()
    assert row.request == json.dumps({"idTag": Token.objects.get().uid})


def test_a_card_is_not_found_in_the_spelling_of_a_vehicle(charger: ChargePoint) -> None:
    alice = a_person()
    a_token("AABBCC001122", user=alice)
    row = a_message(charger, request='{"idTag":"VID:AABBCC001122"}')

    privacy.erase(alice)

    row.refresh_from_db()
    assert row.request == '{"idTag":"VID:AABBCC001122"}'


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (
            lambda alice, charger: User.objects.filter(pk=alice.pk).update(is_superuser=True),
            Code.STATE_CONFLICT,
        ),
        (
            lambda alice, charger: a_session(charger, token=alice.tokens.get(), status="active"),
            Code.TRANSACTION_RUNNING,
        ),
    ],
)
def test_an_erasure_must_wait_for_a_step(alice: User, charger: ChargePoint, given: Any, code: Code) -> None:
    given(alice, charger)

    with pytest.raises(Conflict) as refused:
        privacy.erase(User.objects.get(pk=alice.pk))

    assert refused.value.code == code
    assert Token.objects.get().uid == UID


def test_the_session_of_somebody_else_and_a_suspended_contract_hinder_nobody(
    alice: User, charger: ChargePoint
) -> None:
    a_session(charger, token=a_token("OTHER"), status="active")
    a_contract("C-2", owner=alice, status="suspended")

    privacy.erase(alice)

    assert User.objects.get().is_erased


# -- the export ----------------------------------------------------------------------------------------------


def test_an_export_names_every_value_and_nobody_else(alice: User, charger: ChargePoint) -> None:
    contract = a_contract(owner=a_person("Bob"), valid_from=NOON)
    Contract.objects.update(name="Home")
    Member.objects.create(contract=contract, user=alice, role="viewer")
    token = Token.objects.get()
    other = a_token("OTHER", user=a_person("Carol"))
    session = a_session(
        charger, token=token, id_token=UID, evse_number=1, connector_number=2, energy_wh=700,
        meter_start_wh=100, meter_stop_wh=800, stopped_at=NOON, stop_reason="Local",
        authorization_status="Accepted", authorization_reason="R",
    )  # fmt: skip
    Settlement.objects.create(
        transaction=session, fix="ignore", actor="ann", reason="Checked", before={}, after={}, created_at=NOON
    )
    a_session(charger, token=other, id_token="OTHER")
    for who in (token, other):
        Refusal.objects.create(
            charge_point=charger, token=who, id_token=who.uid, purpose="stop", status="Invalid", reason="No.",
            at=NOON,
        )  # fmt: skip

    document = privacy.export(alice)

    assert timezone.now() - document.pop("exported_at") < timedelta(minutes=5)
    assert document == {
        "person": {
            "id": alice.pk, "username": alice.username, "name": "Alice Example", "first_name": "",
            "last_name": "", "email": "alice@example.com", "phone": "+43 1 234", "language": "de",
            "status": "active", "created_at": alice.created_at, "updated_at": alice.updated_at,
        },
        "contracts": [{
            "contract_id": "C-1", "name": "Home", "type": "individual", "status": "active",
            "valid_from": NOON, "valid_until": None, "member_role": "viewer", "member_status": "active",
            "member_created_at": Member.objects.get(user=alice).created_at,
        }],
        "tokens": [{
            "uid": UID, "type": "RFID", "name": "Alice's card", "visual_number": "NO-4711", "group_id": "",
            "issuer": "", "status": "active", "valid": True, "valid_from": None, "expires_at": None,
            "last_used_at": None, "created_at": token.created_at,
        }],
        "sessions": [{
            "id": session.pk, "id_token": UID, "evse_number": 1, "connector_number": 2, "started_at": NOON,
            "stopped_at": NOON, "meter_start_wh": 100, "meter_stop_wh": 800, "energy_wh": 700,
            "stop_reason": "Local", "authorization_status": "Accepted", "authorization_reason": "R",
            "station": "CP-1",
            "settlements": [{"fix": "ignore", "reason": "Checked", "created_at": NOON}],
        }],
        "refusals": [{
            "at": NOON, "id_token": UID, "purpose": "stop", "status": "Invalid", "reason": "No.",
            "station": "CP-1",
        }],
    }  # fmt: skip


def test_an_export_is_in_the_order_of_time(alice: User, charger: ChargePoint) -> None:
    a_token("B", user=alice)
    tokens = list(Token.objects.order_by("-pk"))
    for token in tokens:
        a_session(charger, token=token)
        Member.objects.create(contract=a_contract(f"C-{token.pk}"), user=alice)
        Refusal.objects.create(
            charge_point=charger,
            token=token,
            id_token=token.uid,
            purpose="stop",
            status="S",
            reason="R",
            at=NOON,
        )

    document = privacy.export(alice)

    assert [one["uid"] for one in document["tokens"]] == [UID, "B"]
    assert [one["id"] for one in document["sessions"]] == [1000, 1001]
    assert [one["id_token"] for one in document["refusals"]] == ["B", UID]
    assert [one["contract_id"] for one in document["contracts"]] == [f"C-{token.pk}" for token in tokens]
