"""The dashboard's cards of stations: how many are online, faults, and the inbox of refused connections."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext

from chargepoints.models import ChargePoint, Connector, RefusedConnection
from ocpp_server.admin import cards, cells, tones
from ocpp_server.admin.cards import Cards

RECENT = 8


def draw(now: datetime, provides: bool) -> Cards:
    return Cards(values=_numbers(), tables={"refused": _refused(provides), "faults": _faults()})


def _numbers() -> dict[str, cells.Cell]:
    faults = Connector.objects.filter(status="Faulted").count()
    pending = ChargePoint.objects.filter(registration_status=ChargePoint.Registration.PENDING)
    return {
        "online": cells.text(ChargePoint.objects.online().count()),
        "known": cells.text(gettext("of %(count)s known") % {"count": ChargePoint.objects.count()}),
        "faults": cells.label(faults, tones.DANGER) if faults else cells.text(0),
        "pending": cells.text(pending.count()),
    }


def _refused(provides: bool) -> list[cells.Row]:
    rows = []
    for refused in RefusedConnection.objects.order_by("-at")[:RECENT]:
        times = gettext("%(count)s times") % {"count": refused.count} if refused.count > 1 else ""
        accept = reverse("admin:refused-accept", args=[refused.pk])
        can_accept = provides and refused.can_be_accepted and refused.identity
        rows.append([
            cells.text(refused.identity or refused.path, note=refused.remote_address),
            cells.text(refused.reason, note=times),
            cells.moment(refused.at),
            cells.button(gettext("Accept"), accept) if can_accept else cells.text(""),
        ])  # fmt: skip
    return rows


def _faults() -> list[cells.Row]:
    faulted = Connector.objects.filter(status="Faulted").select_related("charge_point", "evse")
    return [
        [
            cells.text(
                connector.charge_point.identity,
                href=reverse("admin:station", args=[connector.charge_point_id]),
                note=gettext("EVSE %(evse)s, connector %(connector)s")
                % {"evse": connector.evse.number, "connector": connector.number},
            ),
            cells.label(connector.error_code or "Faulted", tones.DANGER, note=connector.info),
            cells.moment(connector.status_received_at),
        ]
        for connector in faulted.order_by("-id")[:RECENT]
    ]


cards.register("chargepoints", draw)
