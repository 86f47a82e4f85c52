"""The server most Python users run: the `ocpp` package on `websockets`, with validation, storing nothing."""

from __future__ import annotations

import asyncio
import itertools
import sys
from datetime import UTC, datetime
from typing import Any

import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint as ChargePoint16
from ocpp.v16 import call_result as result16
from ocpp.v201 import ChargePoint as ChargePoint201
from ocpp.v201 import call_result as result201
from websockets.typing import Subprotocol

_numbers = itertools.count(1000)


def _now() -> str:
    return datetime.now(UTC).isoformat()


class Station16(ChargePoint16):
    @on("BootNotification")
    def boot_notification(self, **_: Any) -> Any:
        return result16.BootNotification(current_time=_now(), interval=300, status="Accepted")

    @on("StatusNotification")
    def status_notification(self, **_: Any) -> Any:
        return result16.StatusNotification()

    @on("Heartbeat")
    def heartbeat(self) -> Any:
        return result16.Heartbeat(current_time=_now())

    @on("Authorize")
    def authorize(self, id_tag: str) -> Any:
        return result16.Authorize(id_tag_info={"status": "Accepted"})

    @on("StartTransaction")
    def start_transaction(self, **_: Any) -> Any:
        return result16.StartTransaction(transaction_id=next(_numbers), id_tag_info={"status": "Accepted"})

    @on("MeterValues")
    def meter_values(self, **_: Any) -> Any:
        return result16.MeterValues()

    @on("StopTransaction")
    def stop_transaction(self, **_: Any) -> Any:
        return result16.StopTransaction(id_tag_info={"status": "Accepted"})


class Station201(ChargePoint201):
    @on("BootNotification")
    def boot_notification(self, **_: Any) -> Any:
        return result201.BootNotification(current_time=_now(), interval=300, status="Accepted")

    @on("StatusNotification")
    def status_notification(self, **_: Any) -> Any:
        return result201.StatusNotification()

    @on("Heartbeat")
    def heartbeat(self) -> Any:
        return result201.Heartbeat(current_time=_now())

    @on("Authorize")
    def authorize(self, id_token: dict[str, Any], **_: Any) -> Any:
        return result201.Authorize(id_token_info={"status": "Accepted"})

    @on("TransactionEvent")
    def transaction_event(self, id_token: dict[str, Any] | None = None, **_: Any) -> Any:
        return result201.TransactionEvent(id_token_info={"status": "Accepted"} if id_token else None)

    @on("NotifyReport")
    def notify_report(self, **_: Any) -> Any:
        return result201.NotifyReport()


_STATIONS: dict[Subprotocol, type[Station16] | type[Station201]] = {
    Subprotocol("ocpp1.6"): Station16,
    Subprotocol("ocpp2.0.1"): Station201,
}


async def _serve(connection: websockets.ServerConnection) -> None:
    assert connection.subprotocol is not None and connection.request is not None
    station = _STATIONS[connection.subprotocol](connection.request.path.rpartition("/")[2], connection)
    try:
        await station.start()
    except websockets.ConnectionClosed:
        return


async def _main(port: int) -> None:
    async with websockets.serve(_serve, "127.0.0.1", port, subprotocols=list(_STATIONS), backlog=4096):
        await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
