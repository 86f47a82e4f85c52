"""Reads what is published about stations: three queries, whatever their number."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from chargepoints.models import ChargePoint, Connector
from events.services.mqtt.topics import Outlet, Session, StationState
from ocpp_server.events.outbox import masked_token
from transactions.models import Transaction


def stations() -> list[StationState]:
    """The state of every station, as its rows have it. Uses the database."""
    outlets = _outlets(_sessions())
    rows = ChargePoint.objects.order_by("pk").only(
        "identity",
        "name",
        "is_online",
        "vendor",
        "model",
        "firmware_version",
        "ocpp_version",
        "error_code",
        "last_seen_at",
    )
    return [
        StationState(
            identity=row.identity,
            name=row.name,
            is_online=row.is_online,
            vendor=row.vendor,
            model=row.model,
            firmware=row.firmware_version,
            ocpp_version=row.ocpp_version,
            error_code=row.error_code,
            last_seen=_to_the_minute(row.last_seen_at),
            outlets=tuple(outlets.get(row.pk, ())),
        )
        for row in rows.iterator()
    ]


def _sessions() -> dict[tuple[int, int | None], Session]:
    rows = Transaction.objects.filter(status=Transaction.Status.ACTIVE).values_list(
        "charge_point_id",
        "evse_number",
        "pk",
        "started_at",
        "id_token",
        "charging_state",
        "energy_wh",
        "meter_last_wh",
        "power_w",
        "soc_percent",
    )
    return {
        (station, evse): Session(
            number=pk,
            started_at=started,
            id_tag=masked_token(token),
            is_charging=state == "Charging",
            energy=energy,
            meter=meter,
            power=power,
            soc=soc,
        )
        for station, evse, pk, started, token, state, energy, meter, power, soc in rows.order_by("pk")
    }


def _outlets(sessions: dict[tuple[int, int | None], Session]) -> dict[int, list[Outlet]]:
    words: dict[tuple[int, int], list[str]] = defaultdict(list)
    enabled: dict[tuple[int, int], bool] = {}
    rows = Connector.objects.order_by("charge_point_id", "evse__number", "number")
    for station, evse, status, availability in rows.values_list(
        "charge_point_id", "evse__number", "status", "availability"
    ):
        words[station, evse].append(status)
        is_wanted = availability == Connector.Availability.OPERATIVE
        enabled[station, evse] = enabled.get((station, evse), False) or is_wanted
    found: dict[int, list[Outlet]] = defaultdict(list)
    for (station, evse), statuses in words.items():
        session = sessions.get((station, evse))
        found[station].append(Outlet(evse, tuple(statuses), enabled[station, evse], session))
    return found


def _to_the_minute(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(second=0, microsecond=0)
