"""A station's answer to a new password: which passwords the handshake accepts from then on (A01)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chargepoints.models import ChargePoint
from chargepoints.services.provisioning import passwords
from chargepoints.services.provisioning.passwords import Verdict
from chargepoints.tables import CHARGE_POINTS
from ocpp_server.live.station import Station
from ocpp_server.storage.journal import journal
from ocpp_server.transport.handshake.authentication import verify
from tests.unit.chargepoints.in_memory import STATION, a_station, changed, events

NEW = "k7Qm2xT9wN4pRb6sCd3V"
NOTHING = {"next_password_hash": "", "next_password_until": None, "next_password_command": ""}


@pytest.fixture
def station(monkeypatch: pytest.MonkeyPatch) -> Station:
    """A station with a password."""
    return having_password(monkeypatch, True)


def having_password(monkeypatch: pytest.MonkeyPatch, has_password: bool) -> Station:
    async def run(function: Callable[..., Any], pk: int) -> bool:
        assert (function, pk) == (passwords._has_password, STATION)
        return has_password

    monkeypatch.setattr(journal, "run", run)
    return a_station(actor="ann")


async def columns(station: Station, verdict: Verdict, value: str = NEW) -> dict[str, Any]:
    await passwords.answered(station=station, value=value, verdict=verdict)
    (found,) = changed(station, CHARGE_POINTS).items()
    assert found[0] == STATION
    return found[1]


async def test_a_password_that_was_taken_is_the_only_one(station: Station) -> None:
    found = await columns(station, Verdict.TAKEN)

    stored = found.pop("password_hash")
    assert found == NOTHING
    assert await verify(stored, NEW.encode())
    ((kind, data),) = events(station)
    assert (kind, data) == ("station.updated", {"changed": ["password"], "actor": "ann"})


async def test_hexadecimal_digits_that_were_taken_are_bytes(station: Station) -> None:
    found = await columns(station, Verdict.TAKEN, NEW.encode().hex())

    assert await verify(found["password_hash"], NEW.encode())


async def test_a_refused_password_leaves_the_present_one(station: Station) -> None:
    assert await columns(station, Verdict.REFUSED) == NOTHING
    assert events(station) == []


async def test_an_unproved_password_is_accepted_beside_the_present_one(station: Station) -> None:
    found = await columns(station, Verdict.UNPROVED)

    assert await verify(found.pop("next_password_hash"), NEW.encode())
    # No deadline and no command: the present password does not prove itself any more.
    assert found == {"next_password_until": None, "next_password_command": ""}
    assert events(station) == []


async def test_a_station_without_a_password_goes_on_without_until_it_proves_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    station = having_password(monkeypatch, False)

    found = await columns(station, Verdict.TAKEN)

    assert await verify(found["next_password_hash"], NEW.encode())
    assert "password_hash" not in found
    assert events(station) == []


@pytest.mark.django_db
def test_a_station_has_a_password_if_its_row_has_a_hash() -> None:
    one = ChargePoint.objects.create(identity="CP-1", security_profile=1, password_hash="old")
    other = ChargePoint.objects.create(identity="CP-2")

    assert [passwords._has_password(pk) for pk in (one.pk, other.pk, other.pk + 1)] == [True, False, False]


def test_an_answer_may_take_a_quarter_of_a_minute_longer_than_its_deadline() -> None:
    assert timedelta(seconds=15) == passwords.SLACK


def test_an_operator_clears_every_column_of_the_next_password() -> None:
    assert frozenset(NOTHING) == passwords.NEXT


def test_a_generated_password_of_bytes_has_20_of_them_and_no_text() -> None:
    made = passwords.generated(passwords.Form.BYTES)

    assert (len(made.key), made.text, made.sent, made.hex) == (20, "", made.key.hex(), made.key.hex())
