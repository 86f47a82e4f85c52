"""GetDiagnostics and GetLog: their arguments, their payloads, and the row of each request (1.6 4.4, N01)."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from chargepoints.commands.diagnostics import GET_DIAGNOSTICS, GET_LOG
from chargepoints.models import ChargePoint, Command, LogUpload
from chargepoints.services.diagnostics import addresses
from ocpp_server import command_fields, live
from ocpp_server.commanding import Result
from ocpp_server.domain import Invalid, QueueFull, StationOffline
from ocpp_server.live import LiveStateUnavailable
from ocpp_server.live.records import Connection
from ocpp_server.protocol.versions import V16, V21, V201
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ONE = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)
ELSEWHERE = "sftp://logs.example.com/in"
SENTENCE_OF_TIMES = "Use a time with its zone, such as 2026-11-28T14:00:00Z."
ANYONE = ChargePoint(pk=1, identity="CP-1", ocpp_version=V201)


async def prepared(**given: Any) -> dict[str, Any]:
    assert GET_LOG.prepare is not None
    assert GET_LOG.prepare is GET_DIAGNOSTICS.prepare
    return await GET_LOG.prepare(ANYONE, **given)


# -- the arguments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        ({}, {"with_login": False}),
        ({"with_login": True}, {"with_login": True}),
        ({"url": "", "start_at": "", "stop_at": ""}, {"with_login": False}),
        ({"url": ELSEWHERE, "retries": 3}, {"with_login": False, "url": ELSEWHERE, "retries": 3}),
        ({"start_at": "2026-05-04T14:00:00+02:00"}, {"with_login": False, "start_at": NOON}),
        ({"stop_at": " 2026-05-04T13:00:00Z "}, {"with_login": False, "stop_at": ONE}),
        (
            {"start_at": "2026-05-04T12:00:00Z", "stop_at": "2026-05-04T13:00:00Z"},
            {"with_login": False, "start_at": NOON, "stop_at": ONE},
        ),
    ],
)
async def test_the_arguments_are_prepared(given: dict[str, Any], arguments: dict[str, Any]) -> None:
    found = await prepared(**given)

    assert found == arguments
    assert all(at.tzinfo is UTC for at in found.values() if isinstance(at, datetime))


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        (
            {"url": ELSEWHERE, "with_login": True},
            "withLogin",
            "Only an address of this server can get a login.",
        ),
        ({"url": "gopher://x"}, "url", "Use an address that begins with one of"),
        ({"start_at": "yesterday"}, "startTime", SENTENCE_OF_TIMES),
        ({"start_at": "2026-13-04T14:00:00Z"}, "startTime", SENTENCE_OF_TIMES),
        ({"start_at": "2026-05-04T14:00:00"}, "startTime", SENTENCE_OF_TIMES),
        ({"stop_at": "2026-05-04"}, "stopTime", SENTENCE_OF_TIMES),
        (
            {"start_at": "2026-05-04T12:00:00Z", "stop_at": "2026-05-04T12:00:00Z"},
            "stopTime",
            "Must be later than startTime.",
        ),
        (
            {"start_at": "2026-05-04T12:00:00Z", "stop_at": "2026-05-04T13:00:00+02:00"},
            "stopTime",
            "Must be later than startTime.",
        ),
    ],
)
async def test_wrong_arguments_are_refused(given: dict[str, Any], field: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=re.escape(sentence)) as refused:
        await prepared(**given)

    assert refused.value.field == field


def test_the_fields_of_both_commands_and_their_limits() -> None:
    shared = {
        "startTime": "start_at",
        "stopTime": "stop_at",
        "retries": "retries",
        "retryInterval": "retry_interval",
        "withLogin": "with_login",
        "url": "url",
    }
    of_diagnostics = {field.name: field.argument for field in GET_DIAGNOSTICS.fields}
    of_log = {field.name: field.argument for field in GET_LOG.fields}
    most = {field.name: getattr(field, "most", None) for field in GET_DIAGNOSTICS.fields}

    assert of_diagnostics == shared
    assert of_log == {"logType": "log_type"} | shared
    assert (most["startTime"], most["stopTime"], most["retries"], most["url"]) == (40, 40, 100, 512)
    assert not any(field.required for field in GET_LOG.fields)


@pytest.mark.parametrize(
    ("version", "kinds"),
    [
        (V16, ["DiagnosticsLog", "SecurityLog"]),
        (V201, ["DiagnosticsLog", "SecurityLog"]),
        (V21, ["DiagnosticsLog", "SecurityLog", "DataCollectorLog"]),
    ],
)
def test_the_kinds_of_logs_are_those_of_the_version(version: str, kinds: list[str]) -> None:
    field = GET_LOG.fields[0].at(ChargePoint(ocpp_version=version))

    assert isinstance(field, command_fields.Choice)
    assert [value for value, _ in field.choices] == kinds
    assert field.default == "DiagnosticsLog"
    # The API takes every kind: the version of a station may change.
    assert "DataCollectorLog" in field.values


# -- the request and its row ---------------------------------------------------------------------------------


class Sent:
    """`calls.call` with a given outcome: the row of the command, or an error."""

    def __init__(self, outcome: dict[str, Any] | Exception) -> None:
        self.outcome = outcome
        self.action, self.payload, self.how = "", {}, {}  # type: ignore[var-annotated]
        self.rows_before = -1

    async def call(
        self, charge_point: ChargePoint, action: str, payload: dict[str, Any], **how: Any
    ) -> Command:
        self.action, self.payload, self.how = action, payload, how
        self.rows_before = LogUpload.objects.count()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return Command.objects.create(
            id="c1",
            charge_point=charge_point,
            action=action,
            payload={},
            state="accepted",
            response=self.outcome,
            created_at=NOON,
            deadline_at=NOON,
        )


Send = Callable[..., SimpleNamespace]


def finished(steps: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that waits for nothing: it needs no event loop."""
    try:
        steps.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits for something")


@pytest.fixture
def send(db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Send]:
    """Send a command to a station of a version, with the outcome of the CALL. The database is used in the
    thread of the test: its transaction is rolled back, which is much faster than emptying tables.
    """
    settings.UPLOAD_URL = "https://csms.example.com"

    async def directly(function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        return function(*args, **more)

    def run(
        version: str, command: Any, outcome: Any = None, *, is_online: bool = True, **arguments: Any
    ) -> SimpleNamespace:
        row = ChargePoint.objects.create(
            identity="CP-1", ocpp_version=version, registration_status="Accepted"
        )
        if is_online:
            finished(live.state().connect(Connection("c", "CP-1", version, "here", "192.0.2.7", NOON)))
        sent = Sent({} if outcome is None else outcome)
        monkeypatch.setattr(calls, "call", sent.call)
        monkeypatch.setattr(journal, "run", directly)
        how = {"actor": "ann", "timeout": 7.0, "wait": True} | arguments
        result, error = None, None
        try:
            result = finished(command.run(row, **how))
        except (StationOffline, QueueFull, Invalid, LiveStateUnavailable) as raised:
            error = raised
        uploads = list(LogUpload.objects.all())
        return SimpleNamespace(sent=sent, result=result, error=error, uploads=uploads, station=row)

    live.reset()
    yield run
    live.reset()


TIMES = {"start_at": NOON, "stop_at": ONE}
RETRIED = {"retries": 0, "retry_interval": 60}
FROM, TO = "2026-05-04T12:00:00.000Z", "2026-05-04T13:00:00.000Z"


@pytest.mark.parametrize(
    ("given", "payload"),
    [
        ({}, {}),
        (TIMES | RETRIED, {"startTime": FROM, "stopTime": TO, "retries": 0, "retryInterval": 60}),
        ({"stop_at": ONE}, {"stopTime": TO}),
    ],
)
def test_a_16_station_gets_get_diagnostics(
    send: Send, given: dict[str, Any], payload: dict[str, Any]
) -> None:
    found = send(V16, GET_DIAGNOSTICS, url=ELSEWHERE, **given)

    assert (found.sent.action, found.sent.payload) == ("GetDiagnostics", {"location": ELSEWHERE} | payload)
    assert found.sent.how == {"actor": "ann", "timeout": 7.0, "wait": True}
    (upload,) = found.uploads
    assert (upload.kind, upload.charge_point_id) == ("Diagnostics", found.station.pk)


@pytest.mark.parametrize("version", [V16, V201, V21])
@pytest.mark.parametrize(
    ("given", "period", "retried"),
    [
        ({}, {}, {}),
        (
            TIMES | RETRIED,
            {"oldestTimestamp": FROM, "latestTimestamp": TO},
            {"retries": 0, "retryInterval": 60},
        ),
    ],
)
def test_every_version_gets_get_log_with_the_number_of_its_row(
    send: Send, version: str, given: dict[str, Any], period: dict[str, Any], retried: dict[str, Any]
) -> None:
    found = send(version, GET_LOG, log_type="SecurityLog", url=ELSEWHERE, wait=False, **given)

    (upload,) = found.uploads
    assert found.sent.action == "GetLog"
    assert found.sent.payload == {
        "logType": "SecurityLog",
        "requestId": upload.pk,
        "log": {"remoteLocation": ELSEWHERE, **period},
        **retried,
    }
    assert found.sent.how["wait"] is False
    assert upload.kind == "SecurityLog"


def test_the_address_of_the_server_has_secrets_of_which_digests_are_stored(send: Send) -> None:
    found = send(V201, GET_LOG, {"filename": "log.zip"}, log_type="DiagnosticsLog", with_login=True)

    (upload,) = found.uploads
    url = found.sent.payload["log"]["remoteLocation"]
    scheme, login, number, key = re.fullmatch(
        r"(\w+)://(.*)@csms\.example\.com/uploads/(\d+)/([^/]+)/", url
    ).groups()  # type: ignore[union-attr]
    assert (scheme, int(number)) == ("https", upload.pk)
    assert addresses.matches(key, upload.secret_hash)
    assert addresses.matches(login, upload.login_hash)
    assert (upload.command_id, upload.actor, upload.state) == ("c1", "ann", "accepted")
    assert isinstance(found.result, Result)
    assert found.result.command.id == "c1"
    assert found.result.data == {"logId": upload.pk, "fileName": "log.zip"}


def test_an_address_elsewhere_has_no_secrets(send: Send) -> None:
    (upload,) = send(V16, GET_DIAGNOSTICS, {"fileName": "d"}, url=ELSEWHERE).uploads

    assert (upload.secret_hash, upload.login_hash, upload.file_name) == ("", "", "d")


def test_an_address_without_a_login_is_the_usual_one(send: Send) -> None:
    found = send(V16, GET_DIAGNOSTICS)

    assert found.sent.payload["location"].startswith("https://csms.example.com/uploads/")
    assert found.uploads[0].login_hash == ""
    assert found.result.data["fileName"] == ""


@pytest.mark.parametrize(
    "error", [StationOffline("Gone."), QueueFull(), LiveStateUnavailable("No Redis.")], ids=str
)
def test_a_request_that_could_not_be_sent_leaves_no_row(send: Send, error: Exception) -> None:
    found = send(V16, GET_DIAGNOSTICS, error)

    assert found.sent.rows_before == 1
    assert (found.error, found.uploads) == (error, [])


def test_a_request_to_an_offline_station_is_refused_before_it_gets_a_row(send: Send) -> None:
    found = send(V16, GET_DIAGNOSTICS, is_online=False)

    assert isinstance(found.error, StationOffline)
    assert (found.sent.rows_before, found.uploads) == (-1, [])


def test_a_payload_that_its_schema_refuses_gets_no_row(send: Send) -> None:
    found = send(V201, GET_LOG, log_type="NoLog")

    assert isinstance(found.error, Invalid)
    assert (found.sent.rows_before, found.uploads) == (-1, [])
