"""A boot makes the reading of a configuration due."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from configuration.models import ConfigurationState
from ocpp_server.protocol.versions import V16, V201
from tests.direct.station import DirectStation

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Awaitable[DirectStation]]
Run = Callable[..., Awaitable[Any]]


@pytest.mark.parametrize("reads", [0, 10])
async def test_a_boot_makes_a_reading_due_and_ends_the_claim_of_another(
    station: Make, run_orm: Run, settings: Any, reads: int
) -> None:
    settings.OCPP_CONFIGURATION_READS = reads
    garage = await station(V16)
    usual = {
        "charge_point_id": garage.pk,
        "attempts": 2,
        "claimed_at": datetime.now(UTC) - timedelta(minutes=1),
        "manner": "parts",
    }
    await run_orm(ConfigurationState.objects.create, **usual)

    await garage.boot()

    state = await run_orm(ConfigurationState.objects.get)
    assert (state.attempts, state.claimed_at, state.manner) == (0, None, "parts")
    assert state.booted_at is not None
    assert datetime.now(UTC) - state.booted_at < timedelta(minutes=1)
    assert state.due_at == (state.booted_at + timedelta(seconds=2) if reads else None)


async def test_a_first_boot_makes_the_row(station: Make, run_orm: Run) -> None:
    garage = await station(V201)
    await garage.boot()

    state = await run_orm(ConfigurationState.objects.get)
    assert (state.pk, state.manner, state.is_stale) == (garage.pk, "whole", False)
    assert state.booted_at is not None


@pytest.mark.parametrize(("reads", "is_due"), [(0, False), (10, True)])
async def test_a_boot_that_was_only_asked_for_is_no_restart(
    station: Make, run_orm: Run, settings: Any, reads: int, is_due: bool
) -> None:
    settings.OCPP_CONFIGURATION_READS = reads
    garage = await station(V201)
    await run_orm(ConfigurationState.objects.create, charge_point_id=garage.pk, attempts=2)
    described = {"model": "M", "vendorName": "V"}

    await garage.ask(("BootNotification", {"reason": "Triggered", "chargingStation": described}))

    state = await run_orm(ConfigurationState.objects.get)
    assert (state.booted_at, state.due_at is not None) == (None, is_due)
    assert state.attempts == (0 if is_due else 2)


async def test_the_boot_of_a_station_that_is_not_accepted_makes_nothing_due(
    station: Make, run_orm: Run
) -> None:
    garage = await station(V16, registration_status="Pending")

    await garage.boot()

    assert await run_orm(ConfigurationState.objects.count) == 0
