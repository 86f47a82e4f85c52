"""The dashboard's cards of stations: how many are online, faults, and the inbox of refused connections."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext

from chargepoints.models import ChargePoint, Connector, RefusedConnection
from ocpp_server.admin import access, cards, cells, tones
from ocpp_server.admin.cards import Cards
from ocpp_server.rights import Right

RECENT = 8


def draw(now: datetime, user: Any) -> Cards:
    may_accept = access.may(user, Right.STATIONS)
    return Cards(values=_numbers(), tables={"refused": _refused(may_accept), "faults": _faults()})


def _numbers() -> dict[str, cells.Cell]:
    faults = ChargePoint.objects.in_state(Connector.Status.FAULTED).count()
    pending = ChargePoint.objects.filter(registration_status=ChargePoint.Registration.PENDING)
    return {
        "online": cells.count(ChargePoint.objects.online().count()),
        "known": cells.text(gettext("of %(count)s known") % {"count": f"{ChargePoint.objects.count():,}"}),
        "faults": cells.label(f"{faults:,}", tones.DANGER) if faults else cells.text(0),
        "pending": cells.count(pending.count()),
    }


def _refused(may_accept: bool) -> list[cells.Row]:
    rows = []
    for refused in RefusedConnection.objects.order_by("-at")[:RECENT]:
        times = gettext("%(count)s times") % {"count": refused.count} if refused.count > 1 else ""
        accept = reverse("admin:refused-accept", args=[refused.pk])
        can_accept = may_accept and refused.can_be_accepted and refused.identity
        rows.append([
            cells.text(refused.identity or refused.path, note=refused.remote_address),
            cells.text(refused.reason, note=times),
            cells.moment(refused.at),
            cells.button(gettext("Accept"), accept) if can_accept else cells.text(""),
        ])  # fmt: skip
    return rows


def _faults() -> list[cells.Row]:
    """The faults of the stations online: those of stations as a whole first, then those of connectors."""
    faulted = Connector.Status.FAULTED
    whole = ChargePoint.objects.online().filter(status=faulted).order_by("-pk")[:RECENT]
    connectors = Connector.objects.filter(status=faulted, charge_point__is_online=True)
    rows = [
        _fault(
            station,
            gettext("The station as a whole"),
            station.error_code,
            station.status_info,
            station.status_at,
        )
        for station in whole
    ]
    for connector in connectors.select_related("charge_point", "evse").order_by("-id")[:RECENT]:
        numbers = {"evse": connector.evse.number, "connector": connector.number}
        place = gettext("EVSE %(evse)s, connector %(connector)s") % numbers
        error, at = connector.error_code, connector.status_received_at
        rows.append(_fault(connector.charge_point, place, error, connector.info, at))
    return rows[:RECENT]


def _fault(station: ChargePoint, place: str, error: str, info: str, at: datetime | None) -> cells.Row:
    return [
        cells.text(station.identity, href=reverse("admin:station", args=[station.pk]), note=place),
        cells.label(error or "Faulted", tones.DANGER, note=info),
        cells.moment(at),
    ]


cards.register("chargepoints", draw)
