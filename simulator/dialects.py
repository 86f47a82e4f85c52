"""Payloads of a station's messages in two dialects: 1.6 and 2.x (2.1 differs in network profiles alone)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from simulator.meter import Reading
from simulator.outbox import TransactionMessage
from simulator.settings import Keys16, Settings
from simulator.variables import (
    FREE_SLOTS,
    Variables,
    downgrade_variable,
    network_variables,
    standard_variables,
)
from simulator.versions import V16, V21, V201

if TYPE_CHECKING:
    from simulator.connection import StationConnection
    from simulator.connector import Connector
    from simulator.session import Session
    from simulator.station import Station

# Stop reasons use the 2.x spelling internally; 1.6 has fewer values.
_REASON_16 = {
    "ImmediateReset": "HardReset",
    "OnIdleReset": "SoftReset",
    "EnergyLimitReached": "Local",
    "TimeLimitReached": "Local",
    "GroundFault": "Other",
}
_REASONS_16 = {
    "EmergencyStop",
    "EVDisconnected",
    "HardReset",
    "Local",
    "Other",
    "PowerLoss",
    "Reboot",
    "Remote",
    "SoftReset",
    "UnlockCommand",
    "DeAuthorized",
}
_REASON_2 = {"OnIdleReset": "Other", "UnlockCommand": "Other", "DeAuthorized": "DeAuthorized"}
_TRIGGER_2 = {
    "Local": "StopAuthorized",
    "Remote": "RemoteStop",
    "EVDisconnected": "EVDeparted",
    "DeAuthorized": "Deauthorized",
    "ImmediateReset": "ResetCommand",
    "OnIdleReset": "ResetCommand",
    "UnlockCommand": "UnlockCommand",
    "EnergyLimitReached": "EnergyLimitReached",
    "TimeLimitReached": "TimeLimitReached",
}
_OCCUPIED = {"Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"}
_CHARGING_STATE = {"Charging": "Charging", "SuspendedEV": "SuspendedEV", "SuspendedEVSE": "SuspendedEVSE"}


class Dialect(Protocol):
    """Payloads of a station's messages in one family of versions."""

    def settings(self, station: "Station") -> Settings: ...

    def boot(self, station: "StationConnection", reason: str) -> dict[str, Any]: ...

    def status(self, station: "Station", connector: "Connector") -> dict[str, Any]: ...

    def wire_status(self, status: str) -> str: ...

    def authorize(self, token: str, token_type: str) -> dict[str, Any]: ...

    def token_status(self, answer: dict[str, Any]) -> str | None: ...

    def token_group(self, answer: dict[str, Any]) -> str | None: ...

    def started(self, session: "Session") -> TransactionMessage: ...

    def updated(self, session: "Session", reading: Reading, *, why: str) -> TransactionMessage | None: ...

    def ended(self, session: "Session", reading: Reading) -> TransactionMessage: ...

    def meter_values(self, station: "Station", connector: "Connector", *, context: str) -> dict[str, Any]: ...


def samples(reading: Reading, measurands: str, *, dc: bool) -> Iterator[tuple[str, str | None, float, str]]:
    """Yield the reading as (measurand, phase, value, unit), in the order of the setting."""
    phases = [None] if dc else [f"L{number}" for number in range(1, len(reading.currents) + 1)]
    for measurand in (part.strip() for part in measurands.split(",")):
        match measurand:
            case "Energy.Active.Import.Register":
                yield measurand, None, reading.energy_wh, "Wh"
            case "Power.Active.Import":
                yield measurand, None, reading.power_w, "W"
            case "Current.Import":
                for phase, value in zip(phases, reading.currents, strict=True):
                    yield measurand, phase, value, "A"
            case "Current.Offered":
                yield measurand, None, reading.offered_a, "A"
            case "Power.Offered":
                yield measurand, None, round(reading.offered_a * sum(reading.voltages)), "W"
            case "Voltage":
                for phase, value in zip(phases, reading.voltages, strict=True):
                    yield measurand, phase and f"{phase}-N", value, "V"
            case "SoC" if reading.soc is not None:
                yield measurand, None, reading.soc, "Percent"
            case "Temperature":
                yield measurand, None, 31.5, "Celsius"


class Dialect16:
    """OCPP 1.6J."""

    def settings(self, station: "Station") -> Settings:
        return Keys16(len(station.connectors))

    def boot(self, station: "StationConnection", reason: str) -> dict[str, Any]:
        return {
            "chargePointVendor": station.vendor[:20],
            "chargePointModel": station.model[:20],
            "chargePointSerialNumber": station.serial[:25],
            "firmwareVersion": station.firmware,
            "meterType": "Simulated",
        }

    def wire_status(self, status: str) -> str:
        return status

    def status(self, station: "Station", connector: "Connector") -> dict[str, Any]:
        return {
            "connectorId": connector.number,
            "errorCode": connector.error_code,
            "status": connector.status,
            "timestamp": station.clock.text(connector.changed_at),
        }

    def authorize(self, token: str, token_type: str) -> dict[str, Any]:
        return {"idTag": token}

    def token_status(self, answer: dict[str, Any]) -> str | None:
        status: str | None = answer.get("idTagInfo", {}).get("status")
        return status

    def token_group(self, answer: dict[str, Any]) -> str | None:
        group: str | None = answer.get("idTagInfo", {}).get("parentIdTag")
        return group

    def started(self, session: "Session") -> TransactionMessage:
        payload = {
            "connectorId": session.connector.number,
            "idTag": session.token,
            "meterStart": session.start_wh,
            "timestamp": session.station.clock.text(session.started_at),
        }
        if session.reservation_id is not None:
            payload["reservationId"] = session.reservation_id
        return TransactionMessage("StartTransaction", payload, session)

    def updated(self, session: "Session", reading: Reading, *, why: str) -> TransactionMessage | None:
        if why not in ("MeterValuePeriodic", "Trigger"):
            return None  # in 1.6 only meter values are sent during a transaction
        context = "Trigger" if why == "Trigger" else "Sample.Periodic"
        value = self._meter_value(session.station, session.connector, reading, context, "sampled")
        return TransactionMessage(
            "MeterValues", {"connectorId": session.connector.number, "meterValue": [value]}, session
        )

    def ended(self, session: "Session", reading: Reading) -> TransactionMessage:
        reason = _REASON_16.get(session.reason, session.reason)
        payload = {
            "meterStop": reading.energy_wh,
            "timestamp": session.station.clock.text(),
            "reason": reason if reason in _REASONS_16 else "Other",
        }
        if session.reason in ("Local", "DeAuthorized"):
            payload["idTag"] = session.token
        data = self._meter_value(
            session.station, session.connector, reading, "Transaction.End", "sampled_at_end"
        )
        if data["sampledValue"]:
            payload["transactionData"] = [data]
        return TransactionMessage("StopTransaction", payload, session)

    def meter_values(self, station: "Station", connector: "Connector", *, context: str) -> dict[str, Any]:
        value = self._meter_value(station, connector, connector.meter.read(), context, "sampled")
        payload = {"connectorId": connector.number, "meterValue": [value]}
        if connector.session and connector.session.transaction_id:
            payload["transactionId"] = connector.session.transaction_id
        return payload

    def _meter_value(
        self, station: "Station", connector: "Connector", reading: Reading, context: str, setting: str
    ) -> dict[str, Any]:
        values = []
        for measurand, phase, value, unit in samples(
            reading, station.settings.text(setting), dc=connector.meter.dc
        ):
            sample = {
                "value": f"{value:g}" if measurand != "Energy.Active.Import.Register" else str(int(value))
            }
            sample |= {"measurand": measurand, "context": context, "unit": unit}
            if phase:
                sample["phase"] = phase
            values.append(sample)
        return {"timestamp": station.clock.text(), "sampledValue": values}


class Dialect2:
    """OCPP 2.0.1 and 2.1."""

    def settings(self, station: "Station") -> Settings:
        table = standard_variables(
            vendor=station.vendor,
            model=station.model,
            serial=station.serial,
            firmware=station.firmware,
            evses=len(station.connectors),
            power_w=int(station.power_w),
        )
        if station.version == V21:
            table |= downgrade_variable()
            for slot in FREE_SLOTS:
                table |= network_variables(slot)
        return Variables(table)

    def boot(self, station: "StationConnection", reason: str) -> dict[str, Any]:
        return {
            "reason": reason,
            "chargingStation": {
                "vendorName": station.vendor,
                "model": station.model[:20],
                "serialNumber": station.serial[:25],
                "firmwareVersion": station.firmware,
            },
        }

    def wire_status(self, status: str) -> str:
        return "Occupied" if status in _OCCUPIED else status

    def status(self, station: "Station", connector: "Connector") -> dict[str, Any]:
        return {
            "timestamp": station.clock.text(connector.changed_at),
            "connectorStatus": self.wire_status(connector.status),
            "evseId": connector.number,
            "connectorId": 1,
        }

    def authorize(self, token: str, token_type: str) -> dict[str, Any]:
        return {"idToken": {"idToken": token, "type": token_type}}

    def token_status(self, answer: dict[str, Any]) -> str | None:
        status: str | None = answer.get("idTokenInfo", {}).get("status")
        return status

    def token_group(self, answer: dict[str, Any]) -> str | None:
        group: str | None = answer.get("idTokenInfo", {}).get("groupIdToken", {}).get("idToken")
        return group

    def started(self, session: "Session") -> TransactionMessage:
        trigger = "RemoteStart" if session.remote_start_id is not None else "Authorized"
        payload = self._event(session, "Started", trigger)
        payload["evse"] = {"id": session.connector.number, "connectorId": 1}
        payload["idToken"] = {"idToken": session.token, "type": session.token_type}
        payload["meterValue"] = [
            self._meter_value(
                session, session.connector.meter.read(), "Transaction.Begin", "Energy.Active.Import.Register"
            )
        ]
        if session.reservation_id is not None:
            payload["reservationId"] = session.reservation_id
        if session.remote_start_id is not None:
            payload["transactionInfo"]["remoteStartId"] = session.remote_start_id
        return TransactionMessage("TransactionEvent", payload, session)

    def updated(self, session: "Session", reading: Reading, *, why: str) -> TransactionMessage | None:
        context = "Trigger" if why == "Trigger" else "Sample.Periodic"
        payload = self._event(session, "Updated", why)
        if why in ("MeterValuePeriodic", "Trigger", "ChargingRateChanged"):
            wanted = session.station.settings.text("sampled")
            payload["meterValue"] = [self._meter_value(session, reading, context, wanted)]
        if why == "TariffChanged":
            payload["transactionInfo"]["tariffId"] = session.tariff_id
        return TransactionMessage("TransactionEvent", payload, session)

    def ended(self, session: "Session", reading: Reading) -> TransactionMessage:
        payload = self._event(session, "Ended", _TRIGGER_2.get(session.reason, "AbnormalCondition"))
        payload["transactionInfo"]["stoppedReason"] = _REASON_2.get(session.reason, session.reason)
        payload["meterValue"] = [
            self._meter_value(
                session, reading, "Transaction.End", session.station.settings.text("sampled_at_end")
            )
        ]
        if session.reason == "Local":
            payload["idToken"] = {"idToken": session.token, "type": session.token_type}
        return TransactionMessage("TransactionEvent", payload, session)

    def meter_values(self, station: "Station", connector: "Connector", *, context: str) -> dict[str, Any]:
        values = [
            self._sample(context, *one)
            for one in samples(
                connector.meter.read(), station.settings.text("sampled"), dc=connector.meter.dc
            )
        ]
        return {
            "evseId": connector.number,
            "meterValue": [{"timestamp": station.clock.text(), "sampledValue": values}],
        }

    def _event(self, session: "Session", kind: str, trigger: str) -> dict[str, Any]:
        station = session.station
        state = _CHARGING_STATE.get(session.connector.status, "EVConnected")
        payload: dict[str, Any] = {
            "eventType": kind,
            "timestamp": station.clock.text(),
            "triggerReason": trigger,
            "seqNo": session.next_seq_no(),
            "transactionInfo": {"transactionId": session.transaction_id, "chargingState": state},
        }
        if not station.online.is_set():
            payload["offline"] = True  # 2.0.1 E04.FR.03: recorded while offline
        return payload

    def _meter_value(self, session: "Session", reading: Reading, context: str, wanted: str) -> dict[str, Any]:
        dc = session.connector.meter.dc
        # The register is sent even with an empty setting: without it in Ended, the CSMS could not compute the
        # energy.
        wanted = wanted or "Energy.Active.Import.Register"
        values = [self._sample(context, *one) for one in samples(reading, wanted, dc=dc)]
        return {"timestamp": session.station.clock.text(), "sampledValue": values}

    @staticmethod
    def _sample(context: str, measurand: str, phase: str | None, value: float, unit: str) -> dict[str, Any]:
        sample: dict[str, Any] = {"value": value, "measurand": measurand, "context": context}
        if phase:
            sample["phase"] = phase
        return sample | {"unitOfMeasure": {"unit": unit}}


_TWO = Dialect2()
DIALECTS: dict[str, Dialect] = {V16: Dialect16(), V201: _TWO, V21: _TWO}
