"""The UIDs in messages, commands and sessions: an erasure replaces each by a pseudonym."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import models
from django.utils import timezone

from accounts.models import Token, User
from chargepoints.models import (
    BatterySwap,
    Campaign,
    ChargePoint,
    Command,
    Deviation,
    FollowUp,
    Message,
)
from chargepoints.services.provisioning import stations
from tests.direct.accounts import a_person, a_token
from tests.direct.reservations import a_reservation
from tests.unit.transactions.authorization.personal_data.sessions import NOON, UID, a_session
from transactions.models import (
    QuarantinedMessage,
    Refusal,
    RemoteStart,
    Transaction,
    TransactionEvent,
)
from transactions.services import privacy

pytestmark = pytest.mark.django_db


def a_message(charger: ChargePoint, **texts: Any) -> Message:
    values = {"direction": "in", "message_id": "1", "action": "Authorize", "size": 1, "at": NOON}
    return Message.objects.create(charge_point=charger, **(values | texts))


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
    (a_message, "request_text"),
    (a_message, "response_text"),
    (a_message, "error_description"),
    (a_follow_up, "payload"),
    (a_follow_up, "payload_text"),
    (an_event, "payload"),
    (an_event, "payload_text"),
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


@pytest.mark.parametrize("column", ["request", "response"])
def test_a_uid_is_nowhere_in_a_message_of_an_earlier_release(
    alice: User, charger: ChargePoint, column: str
) -> None:
    """Its text is read through the compressed column; the erasure must reach the text."""
    row = a_message(charger, **{f"{column}_text": f'{{"idTag":"{UID}"}}'})

    assert privacy.erase(alice) == (1, 0, 1)

    wanted = f'{{"idTag":"{Token.objects.get().uid}"}}'
    found = Message.objects.get(pk=row.pk)
    assert (getattr(found, column), getattr(found, f"{column}_text")) == (wanted, wanted)


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


def test_a_uid_in_a_campaign_is_replaced(alice: User) -> None:
    asked = {"command": "remote-start", "fields": {"idTag": UID}}
    row = Campaign.objects.create(name="c", kind="command", arguments=asked, deadline_at=NOON)

    privacy.erase(alice)

    row.refresh_from_db()
    assert row.arguments["fields"] == {"idTag": Token.objects.get().uid}


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


# -- sessions, refusals and remote starts --------------------------------------------------------------------


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


def test_refusals_remote_starts_and_reservations_keep_a_pseudonym(alice: User, charger: ChargePoint) -> None:
    command = Command.objects.create(
        id="c", charge_point=charger, action="A", payload={}, created_at=NOON, deadline_at=NOON
    )
    Refusal.objects.create(
        charge_point=charger, id_token=UID, purpose="start", status="Blocked", reason="R.", at=NOON
    )
    BatterySwap.objects.create(charge_point=charger, number=5, id_token=UID, created_at=NOON)
    RemoteStart.objects.create(
        command=command, charge_point=charger, id_token=UID, created_at=NOON, expires_at=NOON
    )
    reserved = a_reservation(charger)

    erased = privacy.erase(alice)

    pseudonym = Token.objects.get().uid
    reserved.refresh_from_db()
    assert reserved.id_token == pseudonym and reserved.updated_at > NOON
    assert (Refusal.objects.get().id_token, RemoteStart.objects.get().id_token) == (pseudonym, pseudonym)
    assert BatterySwap.objects.get().id_token == pseudonym
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
