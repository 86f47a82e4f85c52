"""Tariffs, costs and web payments of 2.1."""

import functools
from typing import Any

from simulator.answers.table import ACCEPTED, REJECTED, Answer, answers
from simulator.session import Session
from simulator.tariffs import too_many
from simulator.versions import V21


@answers("SetDefaultTariff", V21)
def set_default_tariff(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    evses, tariff = _evses(station, payload["evseId"]), payload["tariff"]
    if not evses:
        return REJECTED | {"statusInfo": {"reasonCode": "UnknownEVSE"}}  # I07.FR.06
    refusal = station.misbehaviour.refuses_tariffs or station.tariffs.refusal(evses, tariff)
    if refusal:
        return {"status": refusal}
    station.tariffs.install(evses, tariff)
    return ACCEPTED


@answers("GetTariffs", V21)
def get_tariffs(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    if not _evses(station, payload["evseId"]):
        return REJECTED
    found = station.tariffs.assignments(payload["evseId"])
    return ACCEPTED | {"tariffAssignments": found} if found else {"status": "NoTariff"}


@answers("ClearTariffs", V21)
def clear_tariffs(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    gone = station.tariffs.clear(payload.get("tariffIds"), payload.get("evseId", 0))
    missing = [name for name in payload.get("tariffIds", []) if name not in gone]
    results = [{"tariffId": name, "status": "Accepted"} for name in gone]
    results += [{"tariffId": name, "status": "NoTariff"} for name in missing]
    return {"clearTariffsResult": results or [{"status": "NoTariff"}]}  # I10.FR.06


@answers("ChangeTransactionTariff", V21)
def change_transaction_tariff(station: Any, payload: dict[str, Any]) -> dict[str, Any] | Answer:
    session, tariff = station.session_of(payload["transactionId"]), payload["tariff"]
    if session is None:
        return {"status": "TxNotFound"}
    if refusal := station.misbehaviour.refuses_tariffs or too_many(tariff):
        return {"status": refusal}
    return ACCEPTED, functools.partial(_change, session, tariff["tariffId"])


async def _change(session: Session, tariff_id: str) -> None:
    session.tariff_id = tariff_id
    await session.report("TariffChanged")  # I11.FR.07


@answers("NotifyWebPaymentStarted", V21)
def web_payment_started(station: Any, payload: dict[str, Any]) -> dict[str, Any]:
    station.web_payments.append(payload["evseId"])
    return {}


def _evses(station: Any, number: int) -> list[int]:
    """The EVSEs of a request; 0 is every one."""
    return [one.number for one in station.connectors if number in (0, one.number)]
