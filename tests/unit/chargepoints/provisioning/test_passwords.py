"""Rotation of a station's password: the generated key, and which passwords the handshake accepts (A01)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from chargepoints.models import ChargePoint, Command
from chargepoints.services.provisioning import passwords, stations
from chargepoints.services.provisioning.passwords import Form
from events.models import Event
from ocpp_server.domain import Conflict
from ocpp_server.error_codes import Code
from ocpp_server.transport.handshake.authentication import hash_password, verify

NOW = datetime.now(UTC)
SOON, OVER = NOW + timedelta(days=1), NOW - timedelta(minutes=1)


@pytest.fixture
def station(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-7", security_profile=1, password_hash="old")


def columns(station: ChargePoint) -> tuple[str, str, str]:
    station.refresh_from_db()
    return station.password_hash, station.next_password_hash, station.next_password_command


def command(station: ChargePoint, state: str, **more: Any) -> Command:
    return Command.objects.create(
        id="c1",
        charge_point=station,
        action="SetVariables",
        payload={},
        state=state,
        created_at=NOW,
        deadline_at=SOON,
        **more,
    )


# --- the key ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", list(Form))
async def test_a_key_fits_16_and_2x_and_every_spelling_of_it_is_accepted(form: Form) -> None:
    made = passwords.generated(form)
    stored = hash_password(passwords.key_of(made.sent))

    assert 16 <= len(made.key) <= 20
    assert made.sent == (made.text if form == Form.TEXT else made.hex)
    for given in (made.key, made.hex.encode(), made.hex.upper().encode()):
        assert await verify(stored, given)


def test_a_key_to_type_has_only_characters_that_look_like_no_other() -> None:
    made = {passwords.generated(Form.HEX).text for _ in range(50)}

    assert len(made) == 50
    assert all(re.fullmatch(r"[a-zA-Z0-9]{20}", text) for text in made)
    assert not set("ilo01OIB8") & set("".join(made))


def test_a_text_has_no_characters_that_look_like_others() -> None:
    assert len(passwords.ALPHABET) == len(set(passwords.ALPHABET)) == 53
    assert passwords.ALPHABET.isalnum() and not set(passwords.ALPHABET) & set("0Oo1Ili8B")
    assert set(passwords.generated(Form.TEXT).text) <= set(passwords.ALPHABET)


def test_a_key_is_not_in_its_representation() -> None:
    made = passwords.generated(Form.TEXT)

    assert made.text not in repr(made)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("0123456789abcdef0123456789abcdef", bytes.fromhex("0123456789abcdef0123456789abcdef")),
        ("6B" * 20, b"k" * 20),
        ("6b" * 15, "6b" * 15),
        ("6b" * 21, "6b" * 21),
        ("6b" * 16 + "0", "6b" * 16 + "0"),
        ("k7Qm2xT9wN4pRb6sCd3V", "k7Qm2xT9wN4pRb6sCd3V"),
    ],
)
def test_hexadecimal_digits_of_16_to_20_bytes_are_bytes(value: str, key: str | bytes) -> None:
    assert passwords.key_of(value) == key


# --- two passwords ------------------------------------------------------------------------------------------


def test_a_new_password_is_offered_beside_the_present_one(station: ChargePoint) -> None:
    passwords.offer(station.pk, "new", command_id="c1", until=SOON)

    assert columns(station) == ("old", "new", "c1")
    assert station.has_unproved_password


@pytest.mark.parametrize("state", ["queued", "sent", "accepted", "timeout", "disconnected", "late", None])
def test_an_unproved_password_is_not_replaced_by_another_one(station: ChargePoint, state: str | None) -> None:
    passwords.offer(station.pk, "new", command_id="c1", until=OVER)
    if state is not None:
        command(station, state)

    with pytest.raises(Conflict) as caught:
        passwords.offer(station.pk, "newer", command_id="c2", until=SOON)

    assert caught.value.code == Code.PASSWORD_UNPROVED
    assert columns(station) == ("old", "new", "c1")


@pytest.mark.parametrize(
    ("state", "status", "error", "is_replaced"),
    [
        ("rejected", "Rejected", "", True),
        ("rejected", "UnknownVariable", "", True),
        ("rejected", "Whatever", "", False),
        ("error", "", "NotSupported", True),
        ("error", "", "QueueFull", True),
        ("error", "", "InternalError", False),
        ("error", "", "GenericError", False),
    ],
)
def test_a_refused_password_is_replaced(
    station: ChargePoint, state: str, status: str, error: str, is_replaced: bool
) -> None:
    passwords.offer(station.pk, "new", command_id="c1", until=SOON)
    command(station, state, status=status, error_code=error)

    if is_replaced:
        passwords.offer(station.pk, "newer", command_id="c2", until=SOON)
    else:
        with pytest.raises(Conflict):
            passwords.offer(station.pk, "newer", command_id="c2", until=SOON)

    assert columns(station) == (("old", "newer", "c2") if is_replaced else ("old", "new", "c1"))


def test_only_the_password_of_the_command_itself_is_withdrawn(station: ChargePoint) -> None:
    passwords.offer(station.pk, "new", command_id="c1", until=SOON)

    passwords.withdraw(station.pk, "c0")
    assert columns(station) == ("old", "new", "c1")
    passwords.withdraw(station.pk, "c1")
    assert columns(station) == ("old", "", "")


@pytest.mark.parametrize("until", [None, SOON, OVER])
def test_the_new_password_replaces_the_present_one_as_soon_as_it_is_proved(
    station: ChargePoint, until: datetime | None
) -> None:
    ChargePoint.objects.update(next_password_hash="new", next_password_until=until)

    passwords.prove(station.pk, "new")
    passwords.prove(station.pk, "new")  # another handshake at the same moment

    assert columns(station) == ("new", "", "")
    (event,) = Event.objects.all()
    assert (event.type, orjson.loads(event.data)["changed"]) == ("station.updated", ["password"])


@pytest.mark.parametrize(("until", "is_over"), [(None, False), (SOON, False), (OVER, True)])
def test_the_present_password_proves_itself_when_no_answer_can_come(
    station: ChargePoint, until: datetime | None, is_over: bool
) -> None:
    ChargePoint.objects.update(next_password_hash="new", next_password_until=until)

    passwords.prove(station.pk, "old")

    assert columns(station) == ("old", "" if is_over else "new", "")
    assert not Event.objects.exists()


@pytest.mark.parametrize("password", ["charge-me-now", ""])
def test_a_password_that_an_operator_sets_replaces_both(station: ChargePoint, password: str) -> None:
    passwords.offer(station.pk, "new", command_id="c1", until=SOON)
    station.refresh_from_db()

    stations.update(station, password=password, security_profile=1 if password else 0)

    assert columns(station)[1:] == ("", "")
    (event,) = Event.objects.all()
    assert "next" not in str(orjson.loads(event.data)["changed"])


def test_another_setting_leaves_both_passwords(station: ChargePoint) -> None:
    read_before = ChargePoint.objects.get()
    passwords.offer(station.pk, "new", command_id="c1", until=SOON)

    stations.update(read_before, name="Garage")

    assert columns(station) == ("old", "new", "c1")
