"""An attempt that failed after a command was stored: what may have left is not sent a second time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from chargepoints.models import Command
from chargepoints.services.campaigns import driving, stepping
from chargepoints.services.campaigns.driving import Put
from chargepoints.services.campaigns.kinds import Result
from ocpp_server.domain import DomainError, QueueFull, StationOffline
from tests.unit.chargepoints.campaigns.yard import Yard, answer, later, make, raising

Run = Callable[..., Awaitable[Any]]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("offline", ["wait", "skip"])
@pytest.mark.parametrize(
    ("error", "reason"), [(StationOffline("Away."), "offline"), (QueueFull("Busy."), "refused")]
)
async def test_a_first_part_is_not_sent_again_when_the_second_can_not_be(
    yard: Yard, run_orm: Run, error: DomainError, reason: str, offline: str
) -> None:
    campaign = await run_orm(make, 1, attempts=3, offline=offline)
    yard.on["CP-1", True] = raising(error)

    await driving.drive()
    await run_orm(answer)
    await run_orm(later, campaign, not_before=LONG_AGO)
    await driving.drive()

    row = await run_orm(campaign.stations.get)
    assert yard.sent == ["CP-1"]
    assert (row.state, row.reason, row.detail, row.attempts) == ("failed", reason, error.sentence, 1)
    assert row.command_id == row.claim


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("columns", "stored"),
    [
        # Its process has not confirmed it, so that its frame may leave all the same: it has the result.
        ({"state": "disconnected"}, ("sent", "", 1)),
        ({"state": "error", "error_code": "QueueFull"}, ("waiting", "offline", 0)),
        ({"state": "error", "error_code": "InternalError"}, ("failed", "offline", 1)),
        ({"state": "queued"}, ("failed", "offline", 1)),
        (None, ("waiting", "offline", 0)),
    ],
)
def test_a_station_waits_only_if_nothing_has_left(
    yard: Yard, columns: dict[str, str] | None, stored: tuple[str, str, int]
) -> None:
    campaign = make(1)
    now = datetime.now(UTC)
    run = stepping.advance(campaign.pk, now)
    assert run is not None
    (claim,) = run.claims
    if columns is not None:
        usual = {"action": "Reset", "payload": {}, "created_at": now, "deadline_at": now}
        Command.objects.create(id=claim.id, charge_point_id=claim.station_pk, **usual | columns)

    driving._store(claim, Put(Result("waiting", "offline", "Away."), is_attempt=False), now)

    row = campaign.stations.get()
    assert (row.state, row.reason, row.attempts) == stored
