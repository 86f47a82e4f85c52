"""Store the cost of a session: the reports of its station (2.1 I12), and what was sent to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zlib import crc32

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.observability.masking import masked
from tariffs.services.tariff.amounts import amount
from tariffs.services.tariff.pricing import newest
from tariffs.tables import SESSION_COSTS

_MOST_ID, _MOST_WORD, _MOST_TEXT, _MOST_CURRENCY = 60, 32, 500, 3


class Report(NamedTuple):
    """The part of a TransactionEvent about the cost."""

    ocpp_id: str
    seq_no: int
    is_end: bool
    at: datetime
    tariff_id: str
    details: Mapping[str, Any] | None


def report(*, station: Station, report: Report) -> None:
    """Store the cost details and the tariff of an event, if no later event of its session was received.

    The last event that has details decides; those of the end are final.
    """
    transaction = newest(station, report.ocpp_id)
    if transaction is None or not _is_latest(station, transaction, report):
        return
    values: dict[str, Any] = {}
    if report.tariff_id:
        values["tariff_id"] = report.tariff_id[:_MOST_ID]
    if report.details is not None:
        values |= _reported(station, report.details)
        values |= {"is_final": report.is_end, "reported_at": report.at}
    _store(station, transaction, values)


def sent(*, station: Station, ocpp_id: str, total_cost: object) -> None:
    """Store the cost that the station has taken with CostUpdated (2.0.1 I02)."""
    transaction = newest(station, ocpp_id)
    if transaction is not None:
        values = {"sent_cost": amount(total_cost), "sent_at": station.received_at}
        _store(station, transaction, values)


def tariff_answered(*, station: Station, ocpp_id: str, tariff: Mapping[str, Any], status: str) -> None:
    """Store the tariff that was sent for a session, with the answer (2.1 I11).

    The station confirms an accepted one later, by an event with its id.
    """
    transaction = newest(station, ocpp_id)
    if transaction is None:
        return
    values = {
        "new_tariff": dict(tariff),
        "new_tariff_id": str(tariff["tariffId"])[:_MOST_ID],
        "new_tariff_status": status[:_MOST_WORD],
        "new_tariff_at": station.received_at,
    }
    _store(station, transaction, values)


def _is_latest(station: Station, transaction: TransactionState, report: Report) -> bool:
    """Whether the event is the last one of its session. A station that does not number its events sends them
    in their order; what follows the end is late.
    """
    if not transaction.has_seq_order:
        return report.is_end or transaction.is_active
    is_stored = transaction.seq_fingerprints.get(report.seq_no) == crc32(station.payload.encode())
    return is_stored and report.seq_no == transaction.last_seq_no


def _reported(station: Station, details: Mapping[str, Any]) -> dict[str, Any]:
    cost = details["totalCost"]
    total = cost["total"]
    return {
        "currency": cost["currency"][:_MOST_CURRENCY],
        "total_excl_tax": amount(total.get("exclTax")),
        "total_incl_tax": amount(total.get("inclTax")),
        "cost_type": cost["typeOfCost"][:_MOST_WORD],
        "failure": _failure(details)[:_MOST_TEXT],
        "details": masked(details, station.action),
    }


def _failure(details: Mapping[str, Any]) -> str:
    if not details.get("failureToCalculate"):
        return ""
    return details.get("failureReason") or "-"


def _store(station: Station, transaction: TransactionState, values: dict[str, Any]) -> None:
    if not values:
        return
    at = station.received_at
    station.unit.insert(
        SESSION_COSTS, transaction_id=transaction.id, charge_point_id=station.pk, updated_at=at
    )
    station.unit.set(SESSION_COSTS, transaction.id, values | {"updated_at": at})
