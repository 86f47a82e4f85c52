"""manage.py trigger, remote_start, remote_stop and send, with a running server and connected stations."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.conformance.peer import TIMEOUT_S, eventually
from tests.processes import output_of
from tests.servers import LiveServer, free_port

pytestmark = pytest.mark.slow
Outcome = tuple[int, str, str]


async def manage(server: LiveServer, *words: str, **environment: str) -> Outcome:
    """Exit code, stdout and stderr of a manage.py command on the server's machine."""
    known = {"DATA_DIR": str(server.folder), "ENV_FILE": os.devnull, "HTTP_PORT": str(server.port)}
    return await output_of("manage", *words, environment={**os.environ, **known, **environment})


async def manage_all(server: LiveServer, *commands: tuple[str, ...]) -> list[Outcome]:
    """Run several commands one after the other; the outcome of each."""
    return [await manage(server, *words) for words in commands]


class Peer:
    """A station with answers from the test: a payload, the code of an error, or None for no answer."""

    def __init__(self, socket: ClientConnection, answers: dict[str, Any]) -> None:
        self.socket = socket
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.then: Callable[[str], Any] | None = None
        self._answered: asyncio.Queue[Any] = asyncio.Queue()

    async def call(self, action: str, payload: dict[str, Any]) -> Any:
        await self.socket.send(json.dumps([2, os.urandom(8).hex(), action, payload]))
        return await asyncio.wait_for(self._answered.get(), TIMEOUT_S)

    async def listen(self) -> None:
        tasks = set()
        async for text in self.socket:
            frame = json.loads(text)
            if frame[0] != 2:
                self._answered.put_nowait(frame[2])
                continue
            _, message_id, action, payload = frame
            self.asked.append((action, payload))
            answer = self.answers.get(action)
            if isinstance(answer, str):
                await self.socket.send(json.dumps([4, message_id, answer, "Not today.", {}]))
            elif answer is not None:
                await self.socket.send(json.dumps([3, message_id, answer]))
                if self.then is not None:
                    tasks.add(asyncio.ensure_future(self.then(action)))


@asynccontextmanager
async def station(
    server: LiveServer, identity: str, answers: dict[str, Any], *, version: str = "ocpp1.6"
) -> AsyncIterator[Peer]:
    boot: dict[str, Any] = {"chargePointVendor": "Acme", "chargePointModel": "Wall"}
    if version != "ocpp1.6":
        boot = {"reason": "PowerUp", "chargingStation": {"vendorName": "Acme", "model": "Wall"}}
    async with connect(
        f"{server.ocpp}/{quote(identity)}", subprotocols=[version], proxy=None, open_timeout=TIMEOUT_S
    ) as socket:  # type: ignore[list-item]
        peer = Peer(socket, answers)
        listening = asyncio.ensure_future(peer.listen())
        assert (await peer.call("BootNotification", boot))["status"] == "Accepted"
        yield peer
        listening.cancel()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def test_trigger_shows_the_request_and_the_answer_of_the_station(running_server: LiveServer) -> None:
    async with station(running_server, "TRIG-1", {"TriggerMessage": {"status": "Accepted"}}) as peer:
        code, out, err = await manage(
            running_server, "trigger", "TRIG-1", "StatusNotification", "--connector", "2"
        )

    assert (code, err) == (0, "")
    assert peer.asked == [("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 2})]
    assert 'TriggerMessage to TRIG-1: {"requestedMessage": "StatusNotification", "connectorId": 2}' in out
    assert '{"status": "Accepted"}' in out


async def test_a_rejected_command_is_exit_1(running_server: LiveServer) -> None:
    answers = {"TriggerMessage": {"status": "Rejected"}, "Reset": "InternalError"}
    async with station(running_server, "NO-1", answers):
        refused, errored = await manage_all(
            running_server,
            ("trigger", "NO-1", "Heartbeat"),
            ("send", "NO-1", "Reset", '{"type": "Soft"}'),
        )

    assert refused[0] == 1 and "Rejected" in refused[1] + refused[2]
    assert errored[0] == 1 and "InternalError" in errored[2] and "Not today." in errored[1]


async def test_send_accepts_any_action_of_the_version_and_json_is_one_object(
    running_server: LiveServer,
) -> None:
    async with station(
        running_server, "SEND 1", {"GetLocalListVersion": {"versionNumber": 7}}, version="ocpp2.0.1"
    ) as peer:
        code, out, _ = await manage(running_server, "send", "SEND 1", "GetLocalListVersion", "{}", "--json")

    answer = json.loads(out)
    assert code == 0 == answer["exitCode"] and answer["success"] is True
    assert answer["command"]["action"] == "GetLocalListVersion"
    assert answer["command"]["response"] == {"versionNumber": 7}
    assert answer["command"]["actor"].startswith("key manage.py (")
    assert peer.asked == [("GetLocalListVersion", {})]


async def test_a_declared_command_is_sent_to_several_stations_and_the_worst_exit_code_wins(
    running_server: LiveServer,
) -> None:
    accepted, words = {"Reset": {"status": "Accepted"}}, ("station", "reset", "MANY-1", "MANY-2")
    async with (
        station(running_server, "MANY-1", accepted) as old,
        station(running_server, "MANY-2", {}, version="ocpp2.0.1") as mute,
    ):
        unconfirmed, waited, queued = await manage_all(
            running_server,
            (*words, "--type", "Hard"),
            (*words, "NEVER-SEEN", "--type", "Hard", "--yes", "--timeout", "1"),
            (*words, "--no-wait", "--json", "--yes"),
        )

    assert unconfirmed[0] == 2 and "--yes" in unconfirmed[2]
    assert "MANY-1, MANY-2: Running sessions at this station will end." in unconfirmed[2]
    assert waited[0] == 4  # no answer is worse than an unknown station
    assert waited[1].splitlines() == ["MANY-1 answered Reset: Accepted."]
    assert "MANY-2 did not answer Reset in time." in waited[2] and "NEVER-SEEN" in waited[2]
    results = json.loads(queued[1])
    assert (queued[0], results["exitCode"], results["success"]) == (0, 0, True)
    assert [one["clientId"] for one in results["stations"]] == ["MANY-1", "MANY-2"]
    assert [one["command"]["action"] for one in results["stations"]] == ["Reset", "Reset"]
    assert old.asked[0] == ("Reset", {"type": "Hard"}) and mute.asked[0] == ("Reset", {"type": "Immediate"})


async def test_bad_input_is_exit_2_and_names_the_fault(running_server: LiveServer) -> None:
    async with station(running_server, "BAD-1", {}) as peer:
        results = await manage_all(
            running_server,
            ("send", "BAD-1", "Reset", "not json"),
            ("send", "BAD-1", "Reset", '{"type": "Purple"}'),
            ("send", "BAD-1", "MakeCoffee"),
            ("trigger", "BAD-1", "Nonsense"),
            ("trigger", "NEVER-SEEN", "Heartbeat"),
            ("remote_stop", "-", "999999"),
            ("trigger", "BAD-1", "Heartbeat", "--timeout", "soon"),
        )

    assert [code for code, _, _ in results] == [2] * 7
    for (_, out, err), word in zip(
        results,
        ("not JSON", "type", "MakeCoffee", "StatusNotification", "NEVER-SEEN", "999999", "--timeout"),
        strict=True,
    ):
        assert word in err and out == "" and "Traceback" not in err
    assert peer.asked == []


async def test_offline_stations_timeouts_and_json_errors(running_server: LiveServer) -> None:
    async with station(running_server, "GONE-1", {}):
        pass
    async with station(running_server, "MUTE-1", {}):
        offline, mute = await manage_all(
            running_server,
            ("trigger", "GONE-1", "Heartbeat", "--json"),
            ("trigger", "MUTE-1", "Heartbeat", "--timeout", "1"),
        )

    assert offline[0] == 3 == json.loads(offline[1])["exitCode"]
    assert "offline" in json.loads(offline[1])["message"]
    assert mute[0] == 4 and "in time" in mute[2]


async def test_without_a_server_one_sentence_and_exit_3(tmp_path: Path) -> None:
    nobody = LiveServer(tmp_path)
    nobody.port = free_port()

    code, out, err = await manage(nobody, "send", "CP-1", "Reset", '{"type": "Soft"}')

    assert code == 3 and out == ""
    assert (
        err.strip()
        == f"The server is not running at http://127.0.0.1:{nobody.port}; python3 run.py starts it."
    )


async def test_with_another_database_one_sentence_and_exit_3(
    running_server: LiveServer, migrated_database: Path, tmp_path: Path
) -> None:
    # A copy: the command writes its key there, and other tests begin with the migrated database.
    shutil.copy(migrated_database, tmp_path / "db.sqlite3")

    code, _, err = await manage(running_server, "trigger", "CP-1", "Heartbeat", DATA_DIR=str(tmp_path))

    assert code == 3 and "another database" in err and "DATA_DIR" in err


def _last_command(server: LiveServer) -> str:
    with closing(sqlite3.connect(server.database)) as database:
        rows = database.execute("SELECT state FROM chargepoints_command ORDER BY created_at DESC LIMIT 1")
        return str(rows.fetchone()[0])


async def test_remote_start_waits_for_the_transaction_and_remote_stop_ends_it(
    running_server: LiveServer,
) -> None:
    answers = {
        "RemoteStartTransaction": {"status": "Accepted"},
        "RemoteStopTransaction": {"status": "Accepted"},
    }
    async with station(running_server, "CAR-1", answers) as peer:

        async def plug_in(action: str) -> None:
            if action == "RemoteStartTransaction":
                # The driver plugs in after the command, while its caller waits for the transaction.
                await eventually(lambda: _last_command(running_server) == "accepted")
                start = {"connectorId": 1, "idTag": "FRIEND", "meterStart": 100, "timestamp": now()}
                peer.started = (await peer.call("StartTransaction", start))["transactionId"]  # type: ignore[attr-defined]

        peer.then = plug_in
        code, out, err = await manage(running_server, "remote_start", "CAR-1", "FRIEND", "--connector", "1")
        number = peer.started  # type: ignore[attr-defined]
        stopped = await manage(running_server, "remote_stop", "-", str(number))

    assert (code, err) == (0, "")
    assert f"transaction {number} began" in out
    assert stopped[0] == 0
    assert peer.asked == [
        ("RemoteStartTransaction", {"idTag": "FRIEND", "connectorId": 1}),
        ("RemoteStopTransaction", {"transactionId": number}),
    ]


async def test_remote_start_without_a_vehicle(running_server: LiveServer) -> None:
    async with station(
        running_server, "EMPTY-1", {"RequestStartTransaction": {"status": "Accepted"}}, version="ocpp2.0.1"
    ) as peer:
        code, out, _ = await manage(
            running_server, "remote_start", "EMPTY-1", "FRIEND", "--wait", "1", "--json"
        )

    answer = json.loads(out)
    assert code == 4 and answer["outcome"] == "waiting" and answer["transactionId"] is None
    assert peer.asked[0][1]["idToken"]["idToken"] == "FRIEND"


async def test_the_key_of_a_command_is_revoked_and_never_shown(running_server: LiveServer) -> None:
    async with station(running_server, "KEY-1", {"ClearCache": {"status": "Accepted"}}):
        _, out, err = await manage(running_server, "send", "KEY-1", "ClearCache")

    with closing(sqlite3.connect(running_server.database)) as database:
        keys = database.execute(
            "SELECT prefix, revoked_at, expires_at FROM accounts_apikey WHERE name LIKE 'manage.py (%)'"
        ).fetchall()
    assert keys and all(revoked is not None and expires is not None for _, revoked, expires in keys)
    assert not any(prefix in out + err for prefix, _, _ in keys)


async def test_send_does_not_change_the_stations_password_and_shows_no_secret(
    running_server: LiveServer,
) -> None:
    secret = "k-9f27c1d4-of-wifi"
    answers = {"ChangeConfiguration": {"status": "Accepted"}}
    async with station(running_server, "PW-1", answers) as peer:
        refused, sent = await manage_all(
            running_server,
            ("send", "PW-1", "ChangeConfiguration", json.dumps({"key": "AuthorizationKey", "value": secret})),
            ("send", "PW-1", "ChangeConfiguration", json.dumps({"key": "WifiPSK", "value": secret})),
        )

    assert (refused[0], sent[0]) == (2, 0)
    assert "lock it out" in refused[2]
    assert peer.asked == [("ChangeConfiguration", {"key": "WifiPSK", "value": secret})]
    assert '"value": "***"' in sent[1]
    assert secret not in "".join((*refused[1:], *sent[1:]))


async def test_a_rotated_password_is_printed_once(running_server: LiveServer) -> None:
    answers = {"ChangeConfiguration": {"status": "Accepted"}}
    async with station(running_server, "PW-2", answers) as peer:
        code, out, err = await manage(running_server, "station", "rotate-password", "PW-2", "--yes")
    ((_, asked),) = peer.asked

    assert (code, err) == (0, "")
    assert asked["key"] == "AuthorizationKey"
    assert out.count(asked["value"]) == 1 and f"As hex    {asked['value']}" in out
    assert out.count(bytes.fromhex(asked["value"]).decode()) == 1


async def test_rows_and_live_configuration_over_http(running_server: LiveServer) -> None:
    answers = {
        "GetConfiguration": {
            "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "60"}]
        },
        "ChangeConfiguration": {"status": "Rejected"},
    }
    async with station(running_server, "LIVE 1", answers) as peer:
        listed, live, refused = await manage_all(
            running_server,
            ("stations", "list", "--search", "LIVE 1", "--json"),
            ("configuration", "live", "LIVE 1", "HeartbeatInterval", "--json"),
            ("configuration", "set-live", "LIVE 1", "HeartbeatInterval", "300"),
        )

    assert listed[::2] == (0, "") and json.loads(listed[1])["isOnline"] is True
    row = {"clientId": "LIVE 1", "key": "HeartbeatInterval", "value": "60", "readonly": False}
    assert live == (0, f"{json.dumps(row)}\n", "")
    assert refused[0] == 1 and "Rejected" in refused[2]
    assert peer.asked == [
        ("GetConfiguration", {"key": ["HeartbeatInterval"]}),
        ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "300"}),
    ]
