"""Requests with the id of their command: what becomes of them without an answer, or when their time is up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import BatterySwap, ChargePoint, Command, DisplayMessage, PublishedFirmware
from chargepoints.services.battery_swap import swaps
from chargepoints.services.display import requests
from chargepoints.services.firmware import publishing
from ocpp_server.storage.retention import DELETE_AT_ONCE

pytestmark = pytest.mark.django_db

MD5 = "0" * 32


@pytest.fixture
def garage() -> ChargePoint:
    return ChargePoint.objects.create(identity="garage")


def ago(**how: float) -> datetime:
    return datetime.now(UTC) - timedelta(**how)


def rows(garage: ChargePoint, key: str, created_at: datetime) -> tuple[Any, ...]:
    """A requested message, publication and swap with the id of one command."""
    made = {"pk": key, "charge_point": garage, "number": 1, "created_at": created_at}
    return (
        DisplayMessage.objects.create(**made, priority="InFront", format="UTF8", content="Hi"),
        PublishedFirmware.objects.create(**made, checksum=MD5),
        BatterySwap.objects.create(**made, id_token="A", expires_at=created_at + timedelta(days=1)),
    )


def a_command(garage: ChargePoint, key: str, state: str, **more: Any) -> None:
    now = ago(seconds=0)
    Command.objects.create(
        id=key,
        charge_point=garage,
        action="SetDisplayMessage",
        payload={},
        state=state,
        created_at=now,
        deadline_at=now,
        **more,
    )


def settle() -> None:
    for each in (requests, publishing, swaps):
        each.settle_waiting()


def states() -> list[tuple[str, str]]:
    kinds = (DisplayMessage, PublishedFirmware, BatterySwap)
    return [(row.state, row.reason) for kind in kinds for row in kind.objects.all()]


@pytest.mark.parametrize(
    ("state", "more", "message", "publication", "swap"),
    [
        ("queued", {}, "requested", "requested", "requested"),
        ("sent", {"sent_at": ago()}, "requested", "requested", "requested"),
        # The answer itself settles these.
        ("accepted", {"sent_at": ago()}, "requested", "requested", "requested"),
        ("rejected", {"sent_at": ago()}, "requested", "requested", "requested"),
        ("timeout", {"sent_at": ago()}, "unanswered", "unanswered", "requested"),
        ("late", {"sent_at": ago()}, "unanswered", "unanswered", "requested"),
        ("invalid", {"sent_at": ago()}, "unanswered", "unanswered", "requested"),
        ("disconnected", {}, "refused", "rejected", "rejected"),
        ("error", {"sent_at": ago(), "error_code": "NotSupported"}, "refused", "rejected", "rejected"),
    ],
)
def test_a_request_without_an_answer_follows_its_command(  # noqa: PLR0917 - one row of the table
    garage: ChargePoint, state: str, more: dict[str, Any], message: str, publication: str, swap: str
) -> None:
    rows(garage, "c1", ago(minutes=5))
    a_command(garage, "c1", state, **more)

    settle()

    assert [found for found, _ in states()] == [message, publication, swap]
    reasons = {reason for found, reason in states() if found in ("refused", "rejected")}
    assert reasons <= {"NotSupported" if state == "error" else "It was not sent."}
    ended = [row.ended_at is not None for row in (DisplayMessage.objects.get(), BatterySwap.objects.get())]
    assert ended == [message == "refused", swap == "rejected"]


def test_a_request_whose_command_was_never_sent_is_deleted(garage: ChargePoint) -> None:
    rows(garage, "old", ago(seconds=61))
    rows(garage, "new", ago(seconds=50))

    settle()

    for kind in (DisplayMessage, PublishedFirmware, BatterySwap):
        assert [row.pk for row in kind.objects.all()] == ["new"]


def test_a_swap_that_the_station_has_accepted_is_not_rejected_any_more(garage: ChargePoint) -> None:
    *_, swap = rows(garage, "c1", ago())
    BatterySwap.objects.update(accepted_at=ago())
    a_command(garage, "c1", "error", sent_at=ago())

    swaps.settle_waiting()

    swap.refresh_from_db()
    assert swap.state == "requested"


# -- the time is up ------------------------------------------------------------------------------------------


def test_a_message_ends_at_its_end(garage: ChargePoint) -> None:
    passed, *_ = rows(garage, "passed", ago(hours=1))
    rows(garage, "open", ago(hours=1))
    end = ago(minutes=1)
    DisplayMessage.objects.filter(pk="passed").update(ends_at=end, state="confirmed")
    DisplayMessage.objects.filter(pk="open").update(ends_at=ago(minutes=-1), state="confirmed")

    requests.end_expired()

    passed.refresh_from_db()
    assert (passed.state, passed.ended_at) == ("expired", end)
    assert DisplayMessage.objects.get(pk="open").state == "confirmed"


@pytest.mark.parametrize("state", ["requested", "open"])
def test_a_swap_that_nothing_follows_lapses(garage: ChargePoint, state: str) -> None:
    rows(garage, "late", ago(days=2))
    rows(garage, "in-time", ago(hours=23))
    BatterySwap.objects.update(state=state)

    swaps.end_overdue()

    late, in_time = BatterySwap.objects.get(pk="late"), BatterySwap.objects.get(pk="in-time")
    assert (late.state, late.expires_at, late.ended_at is None) == ("lapsed", None, False)
    assert (in_time.state, in_time.ended_at) == (state, None)


def test_old_rows_are_deleted_a_number_at_a_time(garage: ChargePoint, monkeypatch: Any) -> None:
    for each in (requests, publishing, swaps):
        monkeypatch.setattr(each, "DELETE_AT_ONCE", 1)
    assert DELETE_AT_ONCE > 1
    for key, days in (("older", 800), ("old", 740), ("new", 80)):
        rows(garage, key, ago(days=days))
        ended = {"ended_at": ago(days=days)}
        DisplayMessage.objects.filter(pk=key).update(state="cleared", **ended)
        PublishedFirmware.objects.filter(pk=key).update(state="unpublished", **ended)

    left = []
    for _ in range(3):
        requests.delete_ended()
        publishing.delete_ended()
        swaps.delete_old()
        left.append({kind.objects.count() for kind in (DisplayMessage, PublishedFirmware, BatterySwap)})

    assert left == [{2}, {1}, {1}]
