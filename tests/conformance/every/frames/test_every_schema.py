"""F72 and F76: every field of every message broken in every way; one answer of the right class."""

from __future__ import annotations

import json

import pytest

from chargepoints.services.follow_ups.table import FOLLOWS
from ocpp_server.protocol import actions, schemas
from tests.conformance.messages import spelled
from tests.conformance.peer import V16, V21, V201, VERSIONS, Operator, new_id, station
from tests.distributed.engines import MIGRATED, Postgres
from tests.servers import LiveServer
from tests.unit.protocol.samples import example, fields, parent

_REQUESTS = [
    (version, action)
    for version in VERSIONS
    for action in sorted(actions.from_station(version))
    if action not in actions.SENDS
]
# Follow-ups are stored as text by the same lines: one of each kind shows what their table refuses.
_STORED_ALIKE = FOLLOWS.keys() - {
    "NotifyReport",
    "LogStatusNotification",
    "NotifyCustomerInformation",
    "NotifyDisplayMessages",
    "PublishFirmwareStatusNotification",
    "BatterySwap",
}
# The allowed answers to a mutation; a tolerated mutation gets a result.
_CODES = {
    "FormatViolation",
    "OccurrenceConstraintViolation",
    "PropertyConstraintViolation",
    "TypeConstraintViolation",
    "ProtocolError",
    "NotSupported",
    "SecurityError",
}
_WRONG = {"string": True, "integer": "x", "number": "x", "boolean": "x", "object": "x", "array": "x"}


def mutated(root, text):
    """(name, payload) for every field and every way to break it."""
    yield "extra", json.loads(text) | {"unheardOf": {"a": [None]}}
    for field in fields(root):
        kind = field.schema.get("type")
        if kind is None or field.where[-1] == "customData":
            continue
        ways = {"null": None, "wrong type": _WRONG[kind]}
        if kind in ("integer", "number"):
            ways |= {"-1": -1, "huge": 10**400, "beyond": 2**63}
        if kind == "array":
            ways["no item is readable"] = [None]
        if "maxLength" in field.schema:
            ways["max+1"] = "x" * (field.schema["maxLength"] + 1)
        if "enum" in field.schema:
            ways["typo"] = field.schema["enum"][0] + "x"
        for way, value in ways.items():
            payload = json.loads(text)
            parent(payload, field.where)[field.where[-1]] = value
            yield f"{field.where} {way}", payload
        payload = json.loads(text)
        del parent(payload, field.where)[field.where[-1]]
        yield f"{field.where} missing", payload


@pytest.mark.parametrize("version", VERSIONS)
async def test_F72_the_longest_and_oddest_texts_fit_into_every_column(fuzzed, version):
    async with station(fuzzed, version) as peer:
        for action in sorted(actions.from_station(version) - actions.SENDS):
            for text in ("x" * 5000, "\x00\ud800" * 100, "\u202e🚗" * 400):
                payload = filled(example(schemas.message_schema(version, action, "request")), text)
                frame = await peer.exchange(action, payload)
                assert frame[0] == 3 or frame[2] != "InternalError", (action, frame)
                await peer.boot()


def filled(node, text):
    """The payload with this text in place of each of its texts."""
    if isinstance(node, dict):
        return {name: filled(value, text) for name, value in node.items()}
    if isinstance(node, list):
        return [filled(value, text) for value in node]
    return text if isinstance(node, str) else node


@pytest.mark.parametrize(
    ("version", "action"),
    [
        pytest.param(*pair, id="-".join(pair), marks=[pytest.mark.nightly] if pair[0] == V21 else [])
        for pair in _REQUESTS
    ],
)
async def test_F76_every_field_of_every_request_broken_in_every_way(fuzzed, version, action):
    root = schemas.message_schema(version, action, "request")
    text = json.dumps(example(root))
    codes = {spelled(code, version) for code in _CODES}
    cases = list(mutated(root, text))
    if version == V201 or (fuzzed.is_postgresql and action in _STORED_ALIKE):
        # Other messages show the values that a table refuses: those of 2.1, in the nightly run, have the same
        # handlers and more fields. Every field of every version is broken without a server in
        # test_schemas_mutated.py.
        cases = cases[:3]
    async with station(fuzzed, version) as peer:
        # Requests are sent in groups without waiting: each gets one answer, in the same order.
        for begin in range(0, len(cases), 50):
            batch = cases[begin : begin + 50]
            ids = [new_id() for _ in batch]
            for message_id, (_, payload) in zip(ids, batch, strict=True):
                await peer.send([2, message_id, action, payload])
            for message_id, (name, _) in zip(ids, batch, strict=True):
                frame = await peer.next_frame()
                assert frame[1] == message_id, name
                assert frame[0] == 3 or (frame[0] == 4 and frame[2] in codes), (name, frame)
                assert len(frame) == (3 if frame[0] == 3 else 5), (name, frame)
            await peer.boot()
        await peer.heartbeat()


@pytest.fixture(scope="module", params=[pytest.param("sqlite", marks=pytest.mark.nightly), "postgresql"])
def fuzzed(request, tmp_path_factory, migrated_database):
    """A server of its own without limits on messages: no message may make it raise.

    PostgreSQL refuses long texts, NUL and too large numbers; SQLite does not, and is in the nightly run.
    """
    environment = {"OCPP_STATION_RATE": "0", "OCPP_MISSING_EVENTS_GRACE": "1h"}
    folder = tmp_path_factory.mktemp("fuzzed")
    if request.param == "sqlite":
        live = LiveServer(folder, template=migrated_database, **environment)
    else:
        postgres = Postgres(copy_of=request.getfixturevalue("migrated_postgres"))
        request.addfinalizer(postgres.close)
        live = LiveServer(folder, DATABASE_URL=postgres.create("fuzzed", MIGRATED), **environment)
    live.is_postgresql = request.param == "postgresql"
    live.start()
    yield live
    assert live.stop() == 0
    log = live.log.read_text("utf-8", "replace")
    assert "Traceback" not in log
    assert "handler.failed" not in log


_ANSWERS = {
    V16: ("ClearCache", "GetConfiguration", "Reset", "TriggerMessage", "DataTransfer", "GetLocalListVersion"),
    V201: ("ClearCache", "GetVariables", "SetVariables", "Reset", "DataTransfer", "GetTransactionStatus"),
    V21: ("GetVariables", "SetVariables", "UnlockConnector", "GetTariffs", "RequestStartTransaction"),
}


@pytest.mark.parametrize(
    ("version", "action"),
    [
        # 2.1 has the same handlers and more fields.
        pytest.param(
            *(version, action),
            marks=[pytest.mark.nightly] if version == V201 and action in _ANSWERS[V21] else [],
        )
        for version, names in _ANSWERS.items()
        for action in names
    ],
)
async def test_F76_every_field_of_an_answer_broken_in_every_way_ends_its_command(fuzzed, version, action):
    operator = Operator(fuzzed)
    request = example(schemas.message_schema(version, action, "request"))
    root = schemas.message_schema(version, action, "response")
    cases = [*mutated(root, json.dumps(example(root))), ("array", []), ("text", "x"), ("null", None)]
    states = {"accepted", "partial", "empty", "rejected", "invalid", "error"}
    async with station(fuzzed, version) as peer:
        for begin in range(0, len(cases), 40):
            batch = cases[begin : begin + 40]
            ids = [await operator.submit(peer.identity, action, request, timeout=60) for _ in batch]
            for _, payload in batch:
                call = await peer.next_call()
                # Each is sent by a task of its own: on a busy machine two may change places.
                assert call[1] in ids, call
                await peer.answer(call, payload)
            await peer.call("Heartbeat")
        status_code, answer = await operator.request(
            "GET", f"/api/v1/chargepoints/{peer.identity}/commands?limit=200"
        )

    assert status_code == 200
    assert {command["state"] for command in answer["data"]["commands"]} <= states
