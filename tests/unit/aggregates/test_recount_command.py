"""The command that has hours counted again."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from aggregates.models import ConnectorHour, Recount
from chargepoints.models import ChargePoint, Site
from tests.unit.aggregates.stored import HOUR, NOON, session

pytestmark = pytest.mark.django_db


@pytest.fixture
def station() -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1", site=Site.objects.create(name="Yard"))


def run(*arguments: str) -> str:
    return str(call_command("recount_hours", *arguments))


def test_stations_are_marked_from_a_day_on(station: ChargePoint) -> None:
    ChargePoint.objects.create(identity="CP-2")

    assert run("--from", "2026-11-12", "--site", str(station.site_id)) == "1 stations marked."

    (row,) = Recount.objects.all()
    assert (row.charge_point, row.since < NOON < row.since + 24 * HOUR) == (station, True)


def test_they_are_counted_at_once(station: ChargePoint) -> None:
    session(station, NOON, NOON + HOUR)

    assert run("--station", "cp-1", "--now") == "1 stations counted."

    assert ConnectorHour.objects.get().energy_mwh == 1_000_000
    assert not Recount.objects.exists()


@pytest.mark.parametrize(
    "arguments", [("--station", "NOBODY"), ("--from", "yesterday"), ("--site", "999999")]
)
def test_a_bad_argument_is_refused(station: ChargePoint, arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)
