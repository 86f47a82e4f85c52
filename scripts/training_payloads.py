"""The payloads that a dictionary is trained on and measured with.

They are those of the simulator's stations (sessions with the usual settings of measurands, and the answers to
every command), readings with 3, 14 and 30 samples in the spellings of several makers, one example of every
message of every version, the server's usual answers, and the compact form of readings.
"""

from __future__ import annotations

import contextlib
import json
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator import schemas
from simulator.answers import answer_call
from simulator.session import Session
from simulator.station import Station
from simulator.versions import V16, V21, V201
from simulator.wire import CallFailed

_MEASURANDS = (
    "Energy.Active.Import.Register",
    "Energy.Active.Import.Register,Power.Active.Import,Current.Import",
    "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC",
    "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,Current.Offered,Power.Offered,"
    "Temperature,SoC",
)
_REASONS = (
    "Local",
    "Remote",
    "EVDisconnected",
    "DeAuthorized",
    "ImmediateReset",
    "PowerLoss",
    "UnlockCommand",
)
_STATES = ("Charging", "SuspendedEV", "SuspendedEVSE", "Preparing")
_TOKENS_2 = ("ISO14443", "ISO15693", "eMAID", "Central", "MacAddress")
_STATUSES = ("Accepted", "Accepted", "Accepted", "Invalid", "Blocked", "Expired", "ConcurrentTx", "Unknown")

Sample = tuple[str, str, str, str, str]  # measurand, phase, location, unit, value


class Maker:
    """How the stations of one maker spell their messages: spaces, times, numbers, the order of keys."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.separators = rng.choice(((",", ":"), (",", ":"), (", ", ": ")))
        self.time = rng.choice(
            ("%Y-%m-%dT%H:%M:%S.{ms:03}Z", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00")
        )
        self.digits = rng.choice((0, 1, 2, 3))
        self.order = rng.sample(("value", "context", "format", "measurand", "phase", "location", "unit"), k=7)
        if rng.random() < 0.7:  # the order of the specification's examples
            self.order = ["value", "context", "format", "measurand", "phase", "location", "unit"]
        self.has_format = rng.random() < 0.4
        self.has_location = rng.random() < 0.6
        self.has_defaults = rng.random() < 0.7
        self.has_multiplier = rng.random() < 0.2
        self.is_kilo = rng.random() < 0.25

    def text(self, payload: Any) -> str:
        return json.dumps(payload, separators=self.separators)

    def moment(self, at: datetime) -> str:
        return at.strftime(self.time).replace("{ms:03}", f"{at.microsecond // 1000:03}")

    def samples(self, count: int, energy_wh: float) -> list[Sample]:
        """A three-phase reading of so many samples."""
        rng, location = self.rng, "Outlet" if self.has_location else ""
        power = rng.uniform(1000, 22000)
        energy, power_text = f"{energy_wh:.{self.digits}f}", f"{power:.{self.digits}f}"
        units = ("Wh", "W")
        if self.is_kilo:
            energy, power_text, units = f"{energy_wh / 1000:.3f}", f"{power / 1000:.3f}", ("kWh", "kW")
        phases = ("L1", "L2", "L3")
        amps, volts = ([rng.uniform(low, high) for _ in phases] for low, high in ((6, 32), (225, 240)))
        found: list[Sample] = [
            ("Energy.Active.Import.Register", "", location, units[0], energy),
            ("Power.Active.Import", "", location, units[1], power_text),
        ]
        if count == 3:
            found.append(("Current.Import", "", location, "A", f"{amps[0]:.{self.digits}f}"))
            return found
        found += [
            ("Current.Import", p, location, "A", f"{a:.{self.digits}f}")
            for p, a in zip(phases, amps, strict=True)
        ]
        found += [
            ("Voltage", f"{p}-N" if rng.random() < 0.9 else p, location, "V", f"{v:.{self.digits}f}")
            for p, v in zip(phases, volts, strict=True)
        ]
        found += [
            ("Power.Active.Import", p, location, units[1], f"{v * a:.{self.digits}f}")
            for p, v, a in zip(phases, volts, amps, strict=True)
        ]
        found += [
            ("SoC", "", "EV" if location else "", "Percent", str(rng.randrange(5, 100))),
            ("Temperature", "", "Body" if location else "", "Celsius", f"{rng.uniform(10, 60):.1f}"),
            ("Current.Offered", "", location, "A", f"{rng.randrange(6, 33)}"),
            ("Power.Offered", "", location, "W", f"{rng.randrange(1000, 22000)}"),
            ("Frequency", "", location, "Hz", f"{rng.uniform(49.9, 50.1):.2f}"),
            ("Power.Factor", "", location, "", f"{rng.uniform(0.9, 1):.3f}"),
        ]
        for measurand, unit in (
            ("Energy.Active.Import.Register", units[0]),
            ("Energy.Reactive.Import.Register", "varh"),
            ("Power.Reactive.Import", "var"),
            ("Energy.Active.Export.Register", units[0]),
            ("Energy.Active.Import.Interval", units[0]),
            ("Current.Export", "A"),
            ("Power.Active.Export", units[1]),
        ):
            found += [
                (measurand, p, location, unit, f"{rng.uniform(0, 99999):.{self.digits}f}") for p in phases
            ]
        return found[:count]

    def sampled_16(self, sample: Sample, context: str) -> dict[str, str]:
        measurand, phase, location, unit, value = sample
        values = {"value": value, "context": context, "measurand": measurand, "phase": phase}
        values |= {"location": location, "unit": unit, "format": "Raw" if self.has_format else ""}
        if not self.has_defaults:
            values = {k: v for k, v in values.items() if (k, v) not in _DEFAULTS_16}
        return {key: values[key] for key in self.order if values.get(key)}

    def sampled_2(self, sample: Sample, context: str) -> dict[str, Any]:
        measurand, phase, location, unit, value = sample
        values: dict[str, Any] = {"value": float(value) if "." in value else int(value), "context": context}
        values |= {"measurand": measurand, "phase": phase, "location": location}
        if unit:
            values["unit"] = {"unit": unit} | ({"multiplier": 0} if self.has_multiplier else {})
        if not self.has_defaults:
            values = {k: v for k, v in values.items() if (k, str(v)) not in _DEFAULTS_16}
        names = {"unit": "unitOfMeasure"}
        return {names.get(key, key): values[key] for key in self.order if values.get(key) not in (None, "")}

    def compact(self, samples: list[Sample], context: str) -> str:
        """The compact form of a reading, as it is stored."""
        shown = [
            [measurand, phase, location, context if self.has_defaults else "", value, unit]
            for measurand, phase, location, unit, value in samples
        ]
        return json.dumps(shown, separators=(",", ":"))


_DEFAULTS_16 = {
    ("context", "Sample.Periodic"),
    ("measurand", "Energy.Active.Import.Register"),
    ("location", "Outlet"),
    ("unit", "Wh"),
}


def payloads(seed: str, stations: int) -> Iterator[tuple[str, str]]:
    """Pairs of a kind, for the table, and the text of a payload."""
    rng = random.Random(seed)
    for number in range(stations):
        for version in (V16, V201, V21):
            yield from _of_simulator(random.Random(f"{seed}-{number}-{version}"), version)
        yield from _of_makers(rng)
        yield from _of_server(rng)
        yield from _compact(rng)
    yield from _of_schemas(rng)


def _of_simulator(rng: random.Random, version: str) -> Iterator[tuple[str, str]]:
    """The messages of one session of a simulated station, as the simulator sends them, and some answers."""
    identity = rng.choice(("CP-{:05}", "DE*ABC*E{:06}", "station-{}", "0{:07}")).format(rng.randrange(99999))
    measurands = rng.choice(_MEASURANDS)
    key = "MeterValuesSampledData" if version == V16 else "SampledDataCtrlr.TxUpdatedMeasurands"
    station = Station(identity, version, "ws://localhost", seed=rng.random(), soc=rng.random() < 0.5)
    with contextlib.suppress(LookupError, ValueError):
        station.settings.put(key, measurands)
    at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.uniform(0, 2 * 365 * 86400))
    station.clock.now = lambda: at  # type: ignore[method-assign]
    station.online.set()
    kind, dialect = f"simulator {version}", station.dialect
    yield kind, json.dumps(dialect.boot(station, rng.choice(("PowerUp", "RemoteReset", "Watchdog"))))
    place = rng.choice(station.connectors)
    place.changed_at = at
    token = uuid.UUID(int=rng.getrandbits(128)).hex[: rng.choice((8, 14, 20))].upper()
    yield kind, json.dumps(dialect.authorize(token, rng.choice(_TOKENS_2)))
    session = place.session = _session(station, place, token, rng)
    for message in _session_messages(session, rng):
        at += timedelta(seconds=rng.choice((5, 10, 15, 30, 60)))
        place.meter.run(60)
        payload = message()
        if payload is not None:
            yield kind, json.dumps(payload)
    for action in rng.sample(sorted(schemas.actions(version)), 12):
        request = _example(version, action, "request", rng)
        with contextlib.suppress(
            CallFailed, LookupError, ValueError, TypeError, AttributeError, RuntimeError
        ):
            answer = answer_call(station, action, request)
            yield f"answers {version}", json.dumps(answer[0])


def _session(station: Station, place: Any, token: str, rng: random.Random) -> Session:
    session = Session(station, place, token, token_type=rng.choice(_TOKENS_2))
    session.started_at = station.clock.now()
    session.start_wh = place.meter.energy_wh
    session.transaction_id = (
        rng.randrange(1000, 99999) if station.version == V16 else str(uuid.UUID(int=rng.getrandbits(128)))
    )
    if rng.random() < 0.3:
        session.remote_start_id = rng.randrange(1, 9999)
    return session


def _session_messages(session: Any, rng: random.Random) -> Iterator[Any]:
    station, place = session.station, session.connector
    dialect = station.dialect

    def status() -> Any:
        place.status = rng.choice(_STATES)
        return dialect.status(station, place)

    def update(why: str) -> Any:
        place.status = rng.choice(_STATES[:3])
        message = dialect.updated(session, place.meter.read(), why=why)
        if message is not None and station.version == V16:
            # The simulator adds the number when it sends the message.
            message.payload["transactionId"] = session.transaction_id
        return message and message.payload

    def end() -> Any:
        session.reason = rng.choice(_REASONS)
        payload = dialect.ended(session, place.meter.read()).payload
        if station.version == V16:
            payload["transactionId"] = session.transaction_id
        return payload

    yield status
    yield lambda: dialect.started(session).payload
    for _ in range(6):
        yield lambda: update("MeterValuePeriodic")
    yield lambda: update("Trigger")
    yield lambda: update("ChargingStateChanged")
    yield lambda: dialect.meter_values(station, place, context="Sample.Clock")
    yield end
    yield status


def _of_makers(rng: random.Random) -> Iterator[tuple[str, str]]:
    """Readings of 3, 14 and 30 samples in both dialects, in the spelling of a random maker."""
    maker = Maker(rng)
    at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.uniform(0, 2 * 365 * 86400))
    energy, transaction = rng.uniform(0, 9_000_000), rng.randrange(1000, 999999)
    number = rng.choice(
        (str(uuid.UUID(int=rng.getrandbits(128))), f"{rng.getrandbits(64):x}", str(transaction))
    )
    for count in (3, 14, 30):
        for seq_no in range(3):
            at += timedelta(seconds=60.1)
            energy += rng.uniform(10, 300)
            samples = maker.samples(count, energy)
            context = rng.choice(("Sample.Periodic",) * 6 + ("Sample.Clock", "Transaction.End"))
            value = [maker.sampled_16(sample, context) for sample in samples]
            reading = {"timestamp": maker.moment(at), "sampledValue": value}
            payload = {
                "connectorId": rng.randrange(1, 3),
                "transactionId": transaction,
                "meterValue": [reading],
            }
            yield f"1.6 readings of {count}", maker.text(payload)
            reading = {
                "timestamp": maker.moment(at),
                "sampledValue": [maker.sampled_2(sample, context) for sample in samples],
            }
            event = {
                "eventType": "Updated",
                "timestamp": maker.moment(at),
                "triggerReason": rng.choice(
                    ("MeterValuePeriodic", "MeterValueClock", "ChargingStateChanged")
                ),
                "seqNo": rng.randrange(0, 400),
                "transactionInfo": {"transactionId": number, "chargingState": rng.choice(_STATES[:3])},
                "evse": {"id": rng.randrange(1, 3), "connectorId": 1},
                "meterValue": [reading],
            }
            yield f"2.x readings of {count}", maker.text(event)
            if seq_no == 0:
                value = {"evseId": 1, "meterValue": [reading]}
                yield f"2.x readings of {count}", maker.text(value)


def _of_server(rng: random.Random) -> Iterator[tuple[str, str]]:
    """The server's usual answers."""
    at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.uniform(0, 2 * 365 * 86400))
    status, expires = rng.choice(_STATUSES), (at + timedelta(days=30)).isoformat()[:19] + "Z"
    now = at.isoformat(timespec="milliseconds")[:23] + "Z"
    group = f"GROUP{rng.randrange(9999)}"
    for answer in (
        {},
        {"currentTime": now},
        {"currentTime": now, "interval": rng.choice((60, 300, 900)), "status": "Accepted"},
        {"idTagInfo": {"status": status}},
        {"idTagInfo": {"status": status, "expiryDate": expires, "parentIdTag": group}},
        {"idTagInfo": {"status": status}, "transactionId": rng.randrange(1000, 99999)},
        {"idTokenInfo": {"status": status}},
        {
            "idTokenInfo": {
                "status": status,
                "cacheExpiryDateTime": expires,
                "groupIdToken": {"idToken": group, "type": "Central"},
            }
        },
        {"status": rng.choice(("Accepted", "Rejected", "UnknownVendorId"))},
    ):
        yield "server's answers", json.dumps(answer, separators=(",", ":"))


def _compact(rng: random.Random) -> Iterator[tuple[str, str]]:
    maker, energy = Maker(rng), rng.uniform(0, 9_000_000)
    for count in (3, 14, 30):
        for _ in range(2):
            energy += rng.uniform(10, 300)
            yield (
                f"compact readings of {count}",
                maker.compact(maker.samples(count, energy), "Sample.Periodic"),
            )


def _of_schemas(rng: random.Random) -> Iterator[tuple[str, str]]:
    for version in (V16, V201, V21):
        for action in sorted(schemas.actions(version)):
            for kind in ("request", "response"):
                for _ in range(4):
                    yield "every message", json.dumps(_example(version, action, kind, rng))


def _example(version: str, action: str, kind: str, rng: random.Random) -> Any:
    name = schemas._file_name(version, action, kind)
    text = (schemas.files("ocpp") / schemas._FOLDER[version] / "schemas" / name).read_text("utf-8-sig")
    schema = json.loads(text)
    return _made(schema, schema, rng)


def _made(root: Any, node: Any, rng: random.Random) -> Any:
    """A payload of a schema: the required fields, and some of the others."""
    while "$ref" in node:
        node = root["definitions"][node["$ref"].rpartition("/")[2]]
    if "enum" in node:
        return rng.choice(node["enum"])
    match node.get("type"):
        case "object":
            required = node.get("required", ())
            return {
                name: _made(root, child, rng)
                for name, child in node.get("properties", {}).items()
                if name in required or (name != "customData" and rng.random() < 0.4)
            }
        case "array":
            return [_made(root, node["items"], rng) for _ in range(max(1, node.get("minItems", 1)))]
        case "string" if node.get("format") == "date-time":
            return datetime.fromtimestamp(1.74e9 + rng.uniform(0, 6e7), UTC).isoformat()[:19] + "Z"
        case "string":
            return f"{rng.getrandbits(32):x}"[: node.get("maxLength", 8)]
        case "integer":
            return max(node.get("minimum", 0), rng.randrange(100))
        case "number":
            return round(rng.uniform(0, 100), 1)
        case "boolean":
            return rng.random() < 0.5
    return "text"
