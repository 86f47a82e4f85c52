"""Requests for reservations: the stored rows, the refusals in words, and what follows from the commands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from chargepoints.models import ChargePoint, Command
from chargepoints.services.provisioning import stations
from events.models import Event
from ocpp_server.domain import Conflict, Missing
from ocpp_server.protocol.translate import IdToken
from tests.direct.accounts import a_token
from tests.direct.reservations import a_reservation
from transactions.models import Reservation
from transactions.services.authorization.decision import decide_now
from transactions.services.reservation import expiring, requesting
from transactions.services.reservation.answers import Asked

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LATER = NOW + timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def charger() -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1", ocpp_version="ocpp1.6")


@pytest.fixture
def reloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stations whose processes are asked to load their rows again."""
    told: list[str] = []
    monkeypatch.setattr(stations, "reload", told.append)
    return told


def a_command(charger: ChargePoint, state: str, action: str = "ReserveNow", **more: Any) -> Command:
    values: dict[str, Any] = {"payload": {"reservationId": 815}, "created_at": NOW, "deadline_at": NOW}
    name = f"c-{Command.objects.count()}"
    return Command.objects.create(
        id=name, charge_point=charger, action=action, state=state, **(values | more)
    )


def waiting(charger: ChargePoint, number: int = 815, **more: Any) -> Reservation:
    values = {"state": "requested", "requested_at": NOW, "expires_at": LATER, **more}
    return a_reservation(charger, number, **values)


ASKED = Asked(815, 2, "cCCS2", IdToken("CARD", "ISO14443"), "FAMILY", LATER)


# -- the row -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("state", ["refused", "unanswered"])
def test_a_request_is_stored_as_it_is_asked(charger: ChargePoint, again: bool, state: str) -> None:
    token = a_token("card")
    if again:
        command = a_command(charger, "rejected")
        old = {"reason": "occupied", "command": command, "cancel_command": command, "evse_number": 1}
        old |= {"accepted_at": NOW, "shown_at": NOW, "ended_at": NOW}
        waiting(charger, state=state, **old)

    requesting.request(charger, ASKED, again=again, now=NOW + SECOND)

    row = Reservation.objects.get()
    assert (row.charge_point, row.number, row.evse_number, row.connector_type) == (charger, 815, 2, "cCCS2")
    assert (row.id_token, row.id_token_type, row.group_id, row.token) == ("CARD", "ISO14443", "FAMILY", token)
    assert (row.state, row.reason, row.command, row.cancel_command) == ("requested", "", None, None)
    assert (row.accepted_at, row.shown_at, row.ended_at) == (None, None, None)
    assert (row.requested_at, row.updated_at, row.expires_at) == (NOW + SECOND, NOW + SECOND, LATER)


def test_an_evse_that_is_reserved_is_refused_with_the_other_reservation(charger: ChargePoint) -> None:
    elsewhere = ChargePoint.objects.create(identity="CP-0", ocpp_version="ocpp1.6")
    waiting(elsewhere, 1, evse_number=2)
    waiting(charger, 816, evse_number=2, state="accepted")
    waiting(charger, 2, evse_number=1)
    waiting(charger, 3, evse_number=2, state="ended")

    with pytest.raises(Conflict) as refused:
        requesting.request(charger, ASKED, again=False, now=NOW)

    assert str(refused.value) == "EVSE 2 has the reservation 816 (Reserved). Cancel it first."
    assert refused.value.data == {"reservationId": 816}


def test_a_number_that_is_taken_is_an_error_of_the_server(charger: ChargePoint) -> None:
    waiting(charger, evse_number=2, state="ended")

    with pytest.raises(IntegrityError):
        requesting.request(charger, ASKED, again=False, now=NOW)


def test_only_a_known_one_that_was_not_accepted_is_sent_again(charger: ChargePoint) -> None:
    with pytest.raises(Missing) as missing:
        requesting.request(charger, ASKED, again=True, now=NOW)
    waiting(charger, state="used")
    with pytest.raises(Conflict) as refused:
        requesting.request(charger, ASKED, again=True, now=NOW)

    assert str(missing.value) == "CP-1 has no reservation 815."
    assert str(refused.value) == (
        "Reservation 815 is “Used by a session”: only one that was rejected, or not answered, can be sent "
        "again."
    )


@pytest.mark.parametrize("state", ["accepted", "unanswered", "expired", "ended"])
def test_one_that_the_station_may_hold_can_be_cancelled(charger: ChargePoint, state: str) -> None:
    row = waiting(charger, state=state)

    assert requesting.to_cancel(charger, 815) == row
    assert requesting.to_cancel(charger, 816) is None


def test_one_that_is_over_is_not_cancelled(charger: ChargePoint) -> None:
    waiting(charger, state="cancelled")

    with pytest.raises(Conflict) as refused:
        requesting.to_cancel(charger, 815)

    assert str(refused.value) == "Reservation 815 is “Cancelled”: there is nothing to cancel."


# -- their commands ------------------------------------------------------------------------------------------


def test_a_request_keeps_its_first_command(charger: ChargePoint) -> None:
    first, second = a_command(charger, "sent"), a_command(charger, "sent")
    row, other = waiting(charger), waiting(charger, 816)

    requesting.follow(row.pk, first)
    requesting.follow(row.pk, second)

    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.command, other.command) == (first, None)


@pytest.mark.parametrize(
    ("command", "accepted", "ended", "event", "reloaded"),
    [
        ({"state": "accepted", "response": {"status": "Accepted"}}, True, False, "created", ["CP-1"]),
        ({"state": "rejected", "response": {"status": "Faulted"}}, False, True, "failed faulted", []),
        ({"state": "timeout"}, False, False, "failed silent", []),
    ],
)
def test_the_state_has_its_time_and_its_event(
    charger: ChargePoint,
    reloads: list[str],
    django_capture_on_commit_callbacks: Any,
    *,
    command: dict[str, Any],
    accepted: bool,
    ended: bool,
    event: str,
    reloaded: list[str],
) -> None:
    row = waiting(charger, evse_number=2, id_token="CARD1234", token=a_token("CARD1234"))  # noqa: S106
    sent = a_command(charger, **command)

    with django_capture_on_commit_callbacks(execute=True):
        requesting.follow(row.pk, sent)
        requesting.settle(row.pk, sent)  # counts once

    row.refresh_from_db()
    stored = Event.objects.get()
    assert (row.accepted_at is not None, row.ended_at is not None) == (accepted, ended)
    assert row.updated_at >= NOW
    assert f"{stored.type} {stored.content.get('reason', '')}".strip() == f"reservation.{event}"
    assert stored.content["idTag"] == "CARD••••" and stored.content["tokenId"] == row.token_id
    assert (stored.content["reservationId"], stored.content["evseId"]) == (815, 2)
    assert (stored.content["requestId"], stored.station) == (sent.pk, "CP-1")
    assert reloads == reloaded


@pytest.mark.parametrize("state", ["accepted", "used", "cancelled", "expired", "ended", "refused"])
def test_an_answer_that_the_station_s_process_has_recorded_counts(charger: ChargePoint, state: str) -> None:
    row = waiting(charger, state=state)

    requesting.settle(row.pk, a_command(charger, "timeout"))
    requesting.not_sent(row.pk)

    row.refresh_from_db()
    assert row.state == state and not Event.objects.exists()


def test_a_request_that_the_station_may_have_got_is_not_refused(charger: ChargePoint) -> None:
    row = waiting(charger, state="unanswered", reason="silent")

    requesting.not_sent(row.pk)

    row.refresh_from_db()
    assert (row.state, row.reason) == ("unanswered", "silent")


@pytest.mark.parametrize(
    ("command", "is_its"),
    [
        ({}, True),
        ({"payload": {"id": 815}}, True),
        ({"payload": {"id": 816}}, False),
        ({"payload": {"reservationId": 816}}, False),
        ({"action": "CancelReservation"}, False),
        ({"created_at": NOW - SECOND}, False),
    ],
)
def test_the_command_of_a_request_has_its_number(
    charger: ChargePoint, command: dict[str, Any], is_its: bool
) -> None:
    sent = a_command(charger, "sent", **command)
    elsewhere = ChargePoint.objects.create(identity="CP-2", ocpp_version="ocpp1.6")

    assert requesting.command_of(waiting(charger)) == (sent if is_its else None)
    assert requesting.command_of(waiting(elsewhere)) is None


@pytest.mark.parametrize(("seconds", "state"), [(60, "requested"), (61, "refused")])
def test_a_request_waits_a_minute_for_its_command(charger: ChargePoint, seconds: int, state: str) -> None:
    row = waiting(charger)

    requesting.settle_waiting(NOW + seconds * SECOND)

    row.refresh_from_db()
    assert row.state == state


@pytest.mark.parametrize(("reason", "state"), [("silent", "accepted"), ("invalid", "unanswered")])
def test_only_silence_is_followed_by_a_late_answer(charger: ChargePoint, reason: str, state: str) -> None:
    sent = a_command(charger, "late", response={"late": {"status": "Accepted"}})
    row = waiting(charger, state="unanswered", reason=reason, command=sent)

    requesting.settle_waiting(NOW)

    row.refresh_from_db()
    assert row.state == state


# -- without a message ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "state"), [(60, "expired"), (59, "accepted")])
def test_the_job_ends_one_a_minute_after_its_expiry(charger: ChargePoint, seconds: int, state: str) -> None:
    row = waiting(charger, state="accepted", expires_at=NOW)

    expiring.expire(NOW + seconds * SECOND)

    row.refresh_from_db()
    assert row.state == state
    assert row.ended_at == (NOW + seconds * SECOND if state == "expired" else None)


@pytest.mark.parametrize("state", ["accepted", "unanswered", "used"])
def test_a_cancellation_that_was_accepted_late(
    charger: ChargePoint, reloads: list[str], django_capture_on_commit_callbacks: Any, state: str
) -> None:
    command = a_command(charger, "late", "CancelReservation", response={"late": {"status": "Accepted"}})
    row = waiting(charger, state=state, reason="silent", cancel_command=command)

    with django_capture_on_commit_callbacks(execute=True):
        expiring.settle_cancelled(NOW)

    row.refresh_from_db()
    if state == "used":
        assert (row.state, reloads, Event.objects.count()) == ("used", [], 0)
        return
    assert (row.state, row.reason, row.ended_at, row.updated_at) == ("cancelled", "", NOW, NOW)
    assert reloads == ["CP-1"]
    assert Event.objects.get().type == "reservation.cancelled"


def test_a_command_settles_its_own_request_alone(charger: ChargePoint) -> None:
    row, other = waiting(charger), waiting(charger, 816)

    requesting.settle(row.pk, a_command(charger, "timeout"))

    other.refresh_from_db()
    assert other.state == "requested"


def test_a_remote_start_without_a_place_is_not_refused_for_a_reservation(charger: ChargePoint) -> None:
    a_token("OTHER")
    waiting(charger, state="accepted", evse_number=None)

    assert decide_now(uid="OTHER", charge_point=charger).is_accepted
