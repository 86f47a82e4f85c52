"""The energy of a month by site."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.fields import amount, rfc3339
from ocpp_server.api.lists import query
from ocpp_server.api.views import ApiView
from ocpp_server.protocol.translate.energy import wh_of
from transactions.filters import MonthlyEnergyQuery
from transactions.serializers import MonthlyEnergySerializer
from transactions.services.metering import months


class MonthlyEnergyView(ApiView):
    is_of_sites = True

    @described(
        "Get the energy of a month by site",
        enveloped("MonthlyEnergy", MonthlyEnergySerializer),
        tag="Transactions",
        query=MonthlyEnergyQuery,
        also=(400,),
        description="A session counts in the month it began in, when it has ended, and at the site that its "
        "station has now. The sums are at most some minutes old.",
    )
    def get(self, request: Request) -> Response:
        month = query(MonthlyEnergyQuery, request).validated_data.get(
            "month", timezone.localdate().replace(day=1)
        )
        # Read first: what is summed meanwhile is then more than promised.
        until = months.summed_until()
        sites = [_site(row) for row in months.by_site(month)]
        total = {name: sum(one[name] for one in sites) for name in ("sessions", "suspectSessions")}
        energy = amount(sum(one["energyWh"] for one in sites))
        data = {
            "month": f"{month:%Y-%m}",
            "summedUntil": rfc3339(until),
            **total,
            "energyWh": energy,
            "sites": sites,
        }
        return answer(f"{total['sessions']} sessions of {month:%Y-%m}: {energy} Wh.", data)


def _site(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "siteId": row["charge_point__site_id"],
        "name": row["charge_point__site__name"],
        "stations": row["stations"],
        "sessions": row["sessions"],
        "suspectSessions": row["suspect_sessions"],
        "energyWh": amount(wh_of(row["energy_mwh"])),
    }
