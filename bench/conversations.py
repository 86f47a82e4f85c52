"""Messages of a load station, pre-rendered except for the id, the time, the meter and the transaction.

A cycle has nine messages: Authorize, the start, five readings of three or fourteen samples, the stop,
Heartbeat.
"""

from __future__ import annotations

import re
import zlib
from abc import ABC, abstractmethod
from datetime import UTC, datetime

from bench.samples import VARIANTS, rendered

READINGS = 5
SAMPLES = 3
WH = 10  # Wh between two readings
# A report of the device model: its variables, and how many of them a NotifyReport has.
VARIABLES, VARIABLES_A_PART = 2000, 50

_NUMBER = re.compile(rb'"transactionId":\s*(\d+)')


class Conversation(ABC):
    """The messages of a station: `boot` once, then `next` repeatedly, each after the previous answer."""

    subprotocol: str
    boot: tuple[bytes, ...]
    version: str
    # The number of readings that do not count: those before the start value.
    uncounted = 0

    def __init__(
        self, identity: str, token: str, samples: int = SAMPLES, *, readings: int = READINGS
    ) -> None:
        self.identity = identity
        self.token = token.encode()
        self.samples = samples
        self.readings = readings
        self._stop_step = 2 + readings
        self._variants = rendered(self.version, samples)
        self._variant = zlib.crc32(identity.encode()) % VARIANTS
        self.step = 0
        self.cycles = 0
        self.meter_wh = 1000
        self._life = f"{datetime.now(UTC):%d%H%M%S%f}"

    @property
    def is_between_cycles(self) -> bool:
        return self.step == 0

    @abstractmethod
    def next(self, message_id: int) -> bytes: ...

    def answered(self, text: bytes) -> None:
        """Process an answer and advance. Raises ValueError when it is not the answer of a healthy server."""
        if not text.startswith(b"[3,"):
            raise ValueError(f"{self.identity}: {text[:200]!r}")
        if self.step <= 1:
            if b'"Accepted"' not in text:
                raise ValueError(f"{self.identity} was not authorized: {text[:200]!r}")
            self._started(text)
        self.step += 1
        if self.step == self._stop_step + 2:
            self.step = 0
            self.cycles += 1

    def _started(self, text: bytes) -> None:  # noqa: B027 - only 1.6 overrides it
        """Store the transaction's number where the server assigns it."""

    @property
    def energy_wh(self) -> int:
        """Return the energy each transaction of a cycle must have."""
        return (self.readings - self.uncounted) * WH

    def _measured(self) -> bytes:
        """Advance the meter and return the next samples after the register."""
        self.meter_wh += WH
        self._variant = (self._variant + 1) % VARIANTS
        return self._variants[self._variant]

    def heartbeat(self, message_id: int) -> bytes:
        return b'[2,"%d","Heartbeat",{}]' % message_id


def _now() -> bytes:
    return datetime.now(UTC).isoformat(timespec="microseconds")[:-6].encode() + b"Z"


class Conversation16(Conversation):
    subprotocol = "ocpp1.6"
    boot = (
        b'[2,"boot","BootNotification",{"chargePointVendor":"Bench","chargePointModel":"Closed Loop",'
        b'"chargePointSerialNumber":"0001","firmwareVersion":"1.0"}]',
        b'[2,"status","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]',
    )
    version = "1.6"
    number = 0

    def next(self, message_id: int) -> bytes:
        step = self.step
        if 2 <= step < self._stop_step:
            samples = self._measured()
            return (
                b'[2,"%d","MeterValues",{"connectorId":1,"transactionId":%d,"meterValue":[{"timestamp":"%s",'
                b'"sampledValue":[{"value":"%d","context":"Sample.Periodic",'
                b'"measurand":"Energy.Active.Import.Register","unit":"Wh"},%s]}]}]'
            ) % (message_id, self.number, _now(), self.meter_wh, samples)
        if step == 0:
            return b'[2,"%d","Authorize",{"idTag":"%s"}]' % (message_id, self.token)
        if step == 1:
            return (
                b'[2,"%d","StartTransaction",{"connectorId":1,"idTag":"%s","meterStart":%d,"timestamp":"%s"}]'
            ) % (message_id, self.token, self.meter_wh, _now())
        if step == self._stop_step:
            return (
                b'[2,"%d","StopTransaction",{"transactionId":%d,"idTag":"%s","meterStop":%d,"timestamp":"%s",'
                b'"reason":"Local"}]'
            ) % (message_id, self.number, self.token, self.meter_wh, _now())
        return self.heartbeat(message_id)

    def _started(self, text: bytes) -> None:
        if self.step == 1:
            found = _NUMBER.search(text)
            if found is None:
                raise ValueError(f"{self.identity} got no transaction number: {text[:200]!r}")
            self.number = int(found[1])


class Conversation201(Conversation):
    subprotocol = "ocpp2.0.1"
    boot = (
        b'[2,"boot","BootNotification",{"reason":"PowerUp","chargingStation":{"vendorName":"Bench",'
        b'"model":"Closed Loop","serialNumber":"0001","firmwareVersion":"1.0"}}]',
        b'[2,"status","StatusNotification",{"timestamp":"2020-01-01T00:00:00Z","evseId":1,"connectorId":1,'
        b'"connectorStatus":"Available"}]',
    )
    version = "2.0.1"
    # The start carries no reading, so the first reading after it is the start value.
    uncounted = 1

    def next(self, message_id: int) -> bytes:
        step = self.step
        number = f"{self._life}-{self.cycles}".encode()
        if 2 <= step < self._stop_step:
            samples = self._measured()
            return (
                b'[2,"%d","TransactionEvent",{"eventType":"Updated","timestamp":"%s",'
                b'"triggerReason":"MeterValuePeriodic","seqNo":%d,"transactionInfo":{"transactionId":"%s",'
                b'"chargingState":"Charging"},"evse":{"id":1,"connectorId":1},"meterValue":[{"timestamp":"%s",'
                b'"sampledValue":[{"value":%d,"context":"Sample.Periodic",'
                b'"measurand":"Energy.Active.Import.Register","unitOfMeasure":{"unit":"Wh"}},%s]}]}]'
            ) % (message_id, now := _now(), step - 1, number, now, self.meter_wh, samples)
        if step == 0:
            return b'[2,"%d","Authorize",{"idToken":{"idToken":"%s","type":"ISO14443"}}]' % (
                message_id,
                self.token,
            )
        if step == 1:
            return (
                b'[2,"%d","TransactionEvent",{"eventType":"Started","timestamp":"%s",'
                b'"triggerReason":"Authorized","seqNo":0,"transactionInfo":{"transactionId":"%s",'
                b'"chargingState":"EVConnected"},"evse":{"id":1,"connectorId":1},'
                b'"idToken":{"idToken":"%s","type":"ISO14443"}}]'
            ) % (message_id, _now(), number, self.token)
        if step == self._stop_step:
            return (
                b'[2,"%d","TransactionEvent",{"eventType":"Ended","timestamp":"%s",'
                b'"triggerReason":"StopAuthorized","seqNo":%d,"transactionInfo":{"transactionId":"%s",'
                b'"chargingState":"Idle","stoppedReason":"Local"},"evse":{"id":1,"connectorId":1}}]'
            ) % (message_id, _now(), self.readings + 1, number)
        return self.heartbeat(message_id)


class Reporting(Conversation201):
    """A station that reports its device model again and again: a cycle is a report in parts (2.0.1 B07)."""

    parts = VARIABLES // VARIABLES_A_PART

    def next(self, message_id: int) -> bytes:
        first = self.step * VARIABLES_A_PART
        items = b",".join(
            b'{"component":{"name":"Component%d","evse":{"id":1}},"variable":{"name":"Variable%d"},'
            b'"variableAttribute":[{"type":"Actual","value":"%d","mutability":"ReadWrite"}],'
            b'"variableCharacteristics":{"dataType":"integer","supportsMonitoring":true,"unit":"s",'
            b'"minLimit":0,"maxLimit":86400}}' % (number // 20, number, number + self.cycles)
            for number in range(first, first + VARIABLES_A_PART)
        )
        more = b"true" if self.step < self.parts - 1 else b"false"
        return (
            b'[2,"%d","NotifyReport",{"requestId":%d,"generatedAt":"%s","seqNo":%d,"tbc":%s,"reportData":[%s]}]'
            % (message_id, self.cycles, _now(), self.step, more, items)
        )

    def answered(self, text: bytes) -> None:
        if not text.startswith(b"[3,"):
            raise ValueError(f"{self.identity}: {text[:200]!r}")
        self.step = (self.step + 1) % self.parts
        self.cycles += self.step == 0


CONVERSATIONS: dict[str, type[Conversation]] = {"1.6": Conversation16, "2.0.1": Conversation201}
