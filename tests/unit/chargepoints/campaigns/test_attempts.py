"""One attempt to send: the words and the time of what is stored, and what an error leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chargepoints.models import Campaign, Command
from chargepoints.services.campaigns import driving, kinds
from chargepoints.services.campaigns.kinds import Result
from ocpp_server.commanding import NotSupported
from ocpp_server.domain import Conflict, Invalid, QueueFull, StationOffline
from ocpp_server.live import LiveStateUnavailable
from tests.unit.chargepoints.campaigns.yard import Yard, make, raising, rows

pytestmark = pytest.mark.django_db(transaction=True)

Run = Callable[..., Awaitable[Any]]
AT_ONCE, LATER = timedelta(), timedelta(seconds=30)
TWO_ERRORS = [{"field": "type", "reason": "Bad."}, {"field": "evse", "reason": "Worse."}]


@pytest.mark.parametrize(
    ("error", "stored", "after"),
    [
        (StationOffline("Away."), ("waiting offline", "Away."), LATER),
        (QueueFull("Busy."), ("waiting refused", "Busy."), LATER),
        (NotSupported("It can't."), ("skipped not-supported", "It can't."), AT_ONCE),
        (Conflict("Rejected."), ("failed refused", "Rejected."), AT_ONCE),
        (Invalid("No.", errors=TWO_ERRORS), ("failed refused", "No. type: Bad. evse: Worse."), AT_ONCE),
        (
            ValueError("secret"),
            ("failed server-error", "The server could not send it (ValueError)."),
            AT_ONCE,
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_an_error_has_its_words_and_its_time(
    yard: Yard, run_orm: Run, error: Exception, stored: tuple[str, str], after: timedelta
) -> None:
    campaign = await run_orm(make, 1)
    yard.on["CP-1", False] = raising(error)

    begin = datetime.now(UTC)
    await driving.drive()

    row = await run_orm(campaign.stations.get)
    assert (f"{row.state} {row.reason}", row.detail) == stored
    assert begin <= row.not_before - after <= datetime.now(UTC)


async def test_a_skipped_offline_station_was_not_tried(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 1, offline="skip")
    yard.on["CP-1", False] = raising(StationOffline("Away."))

    await driving.drive()

    row = await run_orm(campaign.stations.get)
    assert (row.state, row.reason, row.detail, row.attempts) == ("offline", "offline", "Away.", 0)


async def test_a_known_result_keeps_its_words(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 1)
    yard.known["CP-1"] = Result("skipped", "refused", "It has the version already.")

    await driving.drive()

    row = await run_orm(campaign.stations.get)
    assert (row.state, row.reason, row.detail) == ("skipped", "refused", "It has the version already.")


async def test_a_kind_that_is_gone_fails_with_its_name(yard: Yard, run_orm: Run) -> None:
    campaign = await run_orm(make, 1)
    await run_orm(Campaign.objects.update, kind="gone")

    await driving.drive()

    row = await run_orm(campaign.stations.get)
    assert (row.state, row.reason, row.detail) == ("failed", "server-error", "There is no kind 'gone'.")


async def test_secrets_of_another_key_are_not_sent(yard: Yard, run_orm: Run, settings: Any) -> None:
    campaign = await run_orm(make, 1, arguments={"secret": "k-9f27c1d4"})
    settings.SECRET_KEY = "another"

    await driving.drive()

    row = await run_orm(campaign.stations.get)
    assert (row.state, row.reason, row.detail) == ("failed", "server-error", "The secrets can't be read.")
    assert yard.sent == []


@pytest.mark.parametrize("error", [LiveStateUnavailable("away"), TimeoutError()])
@pytest.mark.parametrize("is_stored", [False, True])
async def test_an_attempt_of_unknown_end_keeps_its_claim(
    yard: Yard, run_orm: Run, error: Exception, is_stored: bool
) -> None:
    campaign = await run_orm(make, 1)
    yard.on["CP-1", is_stored] = raising(error)

    await driving.drive()

    row = await run_orm(campaign.stations.get)
    assert (row.state, row.attempts, row.command_id) == ("claimed", 1, None)
    assert await run_orm(Command.objects.filter(pk=row.claim).exists) is is_stored


async def test_an_attempt_that_hangs_is_given_up(
    yard: Yard, run_orm: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*args: Any, **more: Any) -> None:
        await asyncio.Event().wait()

    campaign = await run_orm(make, 1)
    monkeypatch.setattr(driving, "SEND_WITHIN_S", 0.01)
    monkeypatch.setattr(yard, "begin", hang)

    async with asyncio.timeout(10):
        await driving.drive()

    assert await run_orm(rows, campaign) == {"CP-1": "claimed"}


async def test_an_error_in_one_campaign_does_not_keep_another_from_its_run(
    yard: Yard, run_orm: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(rows: Any) -> Any:
        raise ValueError("a fault of ours")

    broken = Yard()
    monkeypatch.setattr(broken, "name", "broken")
    monkeypatch.setattr(broken, "results", failing)
    monkeypatch.setitem(kinds._kinds, "broken", broken)
    await run_orm(make, 1, kind="broken")
    campaign = await run_orm(make, 2)

    with pytest.raises(ValueError, match="a fault of ours"):
        await driving.drive()

    assert await run_orm(rows, campaign) == {"CP-1": "sent", "CP-2": "sent"}


async def test_a_run_without_a_campaign_does_nothing(yard: Yard, run_orm: Run) -> None:
    await driving.drive()

    assert yard.sent == []
