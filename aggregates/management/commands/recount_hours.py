"""Have the hours of stations counted again, from a day on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from aggregates.services import counting, periods
from aggregates.services.marks import mark
from chargepoints.models import ChargePoint


class Command(BaseCommand):
    help = (
        "Mark stations, so that the housekeeping process counts their energy, sessions and outages by the "
        "hour again. With --now this process counts them at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from",
            dest="first",
            type=_day,
            default=date(1970, 1, 1),
            help="the first day, such as 2026-11-01; default: from the first session on",
        )
        parser.add_argument("--station", help="the identity of one station; default: all stations")
        parser.add_argument("--site", type=int, help="the number of a site: its stations")
        parser.add_argument("--now", action="store_true", help="count in this process")

    def handle(self, *args: Any, **options: Any) -> str:
        stations = ChargePoint.objects.order_by("pk")
        if options["station"] is not None:
            stations = stations.by_identity(options["station"])
        if options["site"] is not None:
            stations = stations.filter(site=options["site"])
        found = list(stations.values_list("pk", flat=True))
        if not found:
            raise CommandError("There is no such station.")
        begin = periods.midnight(options["first"], timezone.get_default_timezone())
        with transaction.atomic():
            mark(dict.fromkeys(found, begin))
        if not options["now"]:
            return f"{len(found)} stations marked."
        for station in found:
            while counting.count(station, datetime.now(UTC)):
                pass
        return f"{len(found)} stations counted."


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--from {text}: {error}.") from None
