"""Reservations whose commands got no answer or a late one, and their expiry: the job."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from chargepoints.models import ChargePoint, Command
from events.models import Event
from ocpp_server.domain import Conflict
from ocpp_server.protocol.translate import IdToken
from tests.direct.accounts import a_token
from tests.direct.reservations import a_reservation
from transactions import jobs
from transactions.models import Reservation
from transactions.services.authorization.decision import decide_now
from transactions.services.reservation import requesting
from transactions.services.reservation.answers import Asked

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def charger() -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1", ocpp_version="ocpp1.6")


def a_command(charger: ChargePoint, state: str, action: str = "ReserveNow", **more: Any) -> Command:
    values: dict[str, Any] = {"payload": {"reservationId": 815}, "created_at": NOW, "deadline_at": NOW}
    return Command.objects.create(
        id=f"c-{Command.objects.count()}", charge_point=charger, action=action, state=state, **(values | more)
    )


def waiting(charger: ChargePoint, **more: Any) -> Reservation:
    return a_reservation(charger, **({"state": "requested", "requested_at": NOW, "expires_at": LATER} | more))


def after_the_job(row: Reservation) -> tuple[str, str, list[str]]:
    """The state, the reason and the events after the job."""
    jobs.settle_reservations()
    row.refresh_from_db()
    return row.state, row.reason, list(Event.objects.order_by("pk").values_list("type", flat=True))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ({"state": "accepted", "response": {"status": "Accepted"}}, "accepted created"),
        ({"state": "rejected", "response": {"status": "Occupied"}}, "refused occupied failed"),
        ({"state": "rejected", "response": {"status": "NoIdea"}}, "refused rejected failed"),
        ({"state": "error", "error_code": "InternalError"}, "refused error failed"),
        ({"state": "error", "error_code": "QueueFull"}, "refused not-sent failed"),
        ({"state": "disconnected"}, "refused not-sent failed"),
        ({"state": "disconnected", "sent_at": NOW}, "unanswered silent failed"),
        ({"state": "timeout"}, "unanswered silent failed"),
        ({"state": "invalid", "response": {"raw": "?"}}, "unanswered invalid failed"),
        ({"state": "late", "response": {"late": {"status": "Accepted"}}}, "accepted created"),
        ({"state": "late", "response": {"late": "?"}}, "unanswered invalid failed"),
    ],
)
@pytest.mark.parametrize("is_connected", [True, False], ids=["connected", "found by its number"])
def test_a_request_gets_the_state_that_follows_from_its_command(
    charger: ChargePoint, command: dict[str, Any], expected: str, is_connected: bool
) -> None:
    sent = a_command(charger, **command)
    row = waiting(charger, command=sent if is_connected else None)

    state, reason, types = after_the_job(row)

    shown = [state, reason, *(each.removeprefix("reservation.") for each in types)]
    assert " ".join(filter(None, shown)) == expected
    assert row.command == sent


@pytest.mark.parametrize("state", ["queued", "sent"])
def test_a_request_waits_for_its_command(charger: ChargePoint, state: str) -> None:
    row = waiting(charger, command=a_command(charger, state))

    assert after_the_job(row) == ("requested", "", [])


@pytest.mark.parametrize(("seconds", "state"), [(30, "requested"), (90, "refused")])
def test_a_request_without_a_command_was_not_sent(charger: ChargePoint, seconds: int, state: str) -> None:
    row = waiting(charger, requested_at=timezone.now() - timedelta(seconds=seconds))

    assert after_the_job(row)[0] == state


def test_a_late_answer_counts_once(charger: ChargePoint) -> None:
    row = waiting(charger, state="unanswered", reason="silent", command=a_command(charger, "timeout"))
    assert after_the_job(row) == ("unanswered", "silent", [])

    Command.objects.update(state="late", response={"late": {"status": "Occupied"}})

    assert after_the_job(row) == ("refused", "occupied", ["reservation.failed"])
    assert after_the_job(row) == ("refused", "occupied", ["reservation.failed"])


@pytest.mark.parametrize(("word", "state"), [("Accepted", "cancelled"), ("Rejected", "accepted")])
def test_a_late_answer_to_a_cancellation(charger: ChargePoint, word: str, state: str) -> None:
    command = a_command(charger, "late", "CancelReservation", response={"late": {"status": word}})
    row = waiting(charger, state="accepted", cancel_command=command)

    assert after_the_job(row)[0] == state


@pytest.mark.parametrize(("state", "event"), [("accepted", ["reservation.expired"]), ("unanswered", [])])
def test_a_reservation_expires_a_minute_after_its_date(
    charger: ChargePoint, state: str, event: list[str]
) -> None:
    row = waiting(charger, state=state, expires_at=timezone.now() - timedelta(seconds=50))
    assert after_the_job(row)[0] == state

    Reservation.objects.update(expires_at=timezone.now() - timedelta(seconds=61))

    assert after_the_job(row) == ("expired", "", event)
    assert row.ended_at is not None


@pytest.mark.parametrize("state", ["refused", "used", "cancelled", "ended"])
def test_one_that_has_ended_does_not_expire(charger: ChargePoint, state: str) -> None:
    assert after_the_job(a_reservation(charger, state=state)) == (state, "", [])


# -- requests ------------------------------------------------------------------------------------------------


def asked(number: int, evse: int | None = 1) -> Asked:
    return Asked(number, evse, "", IdToken("CARD"), "", LATER)


@pytest.mark.parametrize("state", ["requested", "accepted", "unanswered"])
def test_an_evse_has_one_live_reservation(charger: ChargePoint, state: str) -> None:
    waiting(charger, state=state, evse_number=1)

    with pytest.raises(Conflict, match="815"):
        requesting.request(charger, asked(816), again=False, now=NOW)

    requesting.request(charger, asked(817, evse=2), again=False, now=NOW)
    for number in (818, 819):
        requesting.request(charger, asked(number, evse=None), again=False, now=NOW)


@pytest.mark.parametrize("state", ["accepted", "used", "cancelled", "expired", "ended", "requested"])
def test_only_one_without_an_acceptance_is_sent_again(charger: ChargePoint, state: str) -> None:
    waiting(charger, state=state, evse_number=1)

    with pytest.raises(Conflict):
        requesting.request(charger, asked(815), again=True, now=NOW)


@pytest.mark.parametrize("state", ["requested", "refused", "used", "cancelled"])
def test_there_is_nothing_to_cancel(charger: ChargePoint, state: str) -> None:
    waiting(charger, state=state)

    with pytest.raises(Conflict):
        requesting.to_cancel(charger, 815)


# -- a remote start ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uid", "evse", "state", "is_accepted"),
    [
        ("CARD", 1, "accepted", True),
        ("OTHER", 1, "accepted", False),
        ("OTHER", 2, "accepted", True),
        ("OTHER", None, "accepted", True),
        ("OTHER", 1, "unanswered", True),
    ],
)
def test_a_remote_start_to_a_reserved_evse(
    charger: ChargePoint, uid: str, evse: int | None, state: str, is_accepted: bool
) -> None:
    for name in ("CARD", "OTHER"):
        a_token(name)
    waiting(charger, state=state, evse_number=1, id_token="CARD")  # noqa: S106 - no secret

    assert decide_now(uid=uid, charge_point=charger, evse_number=evse).is_accepted is is_accepted
