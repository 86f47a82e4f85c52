"""Tariffs and costs (2.0.1 I02; 2.1 I07, I09-I12)."""

from __future__ import annotations

from typing import Any

from ocpp_server.live.station import Station
from ocpp_server.protocol import translate
from ocpp_server.protocol.registry import also, reply
from ocpp_server.protocol.versions import V2X, V21
from ocpp_server.transport.outcomes import outcome
from tariffs.services.tariff import assigned, costs, local_costs

_NO_TARIFF = "NoTariff"
_ENDED = "Ended"


@also("TransactionEvent", V21)
async def cost_reported(station: Station, request: dict[str, Any]) -> None:
    """2.1 I12: running costs come without periods, those of the end with them. I11.FR.07: TariffChanged."""
    described = request["transactionInfo"]
    details, tariff_id = request.get("costDetails"), described.get("tariffId", "")
    if details is None and not tariff_id:
        return
    # Without a deviation: the app transactions has counted what is wrong with the time.
    at, _ = translate.moment(request.get("timestamp"), received_at=station.received_at, zone=station.zone)
    report = costs.Report(
        ocpp_id=described["transactionId"],
        seq_no=request["seqNo"],
        is_end=request["eventType"] == _ENDED,
        at=at,
        tariff_id=tariff_id,
        details=details,
    )
    costs.report(station=station, report=report)


@reply("CostUpdated", *V2X)
async def cost_taken(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    costs.sent(station=station, ocpp_id=request["transactionId"], total_cost=request["totalCost"])


@reply("ChangeTransactionTariff", V21)
async def session_tariff_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    costs.tariff_answered(
        station=station,
        ocpp_id=request["transactionId"],
        tariff=request["tariff"],
        status=response["status"],
    )


@reply("SetDefaultTariff", V21)
async def default_tariff_answered(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    answer = assigned.Answered(
        command_id=command_id,
        evse=request["evseId"],
        tariff=request["tariff"],
        status=response["status"],
        reason=outcome("SetDefaultTariff", response).reason,
        at=station.received_at,
    )
    station.unit.run(assigned.answered, assigned.place(station), answer)
    station.unit.run(local_costs.forget_stored, station)


@reply("GetTariffs", V21)
async def tariffs_reported(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    """I09: the tariffs that the station has, or NoTariff."""
    if response["status"] in (assigned.ACCEPTED, _NO_TARIFF):
        station.unit.run(
            assigned.compare,
            assigned.place(station),
            evse=request["evseId"],
            assignments=response.get("tariffAssignments", ()),
            now=station.received_at,
        )
        station.unit.run(local_costs.forget_stored, station)


@reply("ClearTariffs", V21)
async def tariffs_cleared(
    station: Station, request: dict[str, Any], response: dict[str, Any], command_id: str
) -> None:
    """I10. A session that uses a cleared tariff keeps it until its end."""
    station.unit.run(
        assigned.cleared,
        assigned.place(station),
        asked=request.get("tariffIds"),
        evse=request.get("evseId", 0),
        results=response["clearTariffsResult"],
        now=station.received_at,
    )
    station.unit.run(local_costs.forget_stored, station)
