"""Run the cases of `cases.json`: messages that real chargers sent, and the behaviour that is right.

A case has a list of steps for each dialect (`ocpp1.6`, `ocpp2.x`), one list for all (`every`), or a sentence
that says why the dialect can't have the case. A step sends one thing and compares the fields that it names:

- `connect`: a new connection with these headers; it boots. A case without this step first gets a plain one.
- `call`: a CALL of the station; `answer` names fields of the answer, `save` keeps some of them as variables.
- `command`: a command by REST, which the station answers by `reply`, or by the text `raw`; `status` and
  `data` are those of the HTTP answer, `within` is the most seconds until it arrives, `history` a text in the
  command's record.
- `transaction`, `reading`: fields of the only session of the station, and of one of its readings.
- `deviations`: kinds that were counted.
- `get`: a request of the REST API, with the number of results.

In texts, `$identity`, `$token`, `$now`, `$now-5m`, `$today`, `$id` (of the server's CALL) and saved names are
replaced.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.conformance.conftest import FIELD
from tests.conformance.peer import V16, VERSIONS, Operator, Peer, at, eventually, fresh, station
from tests.servers import LiveServer

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("cases.json").read_text("utf-8"))
_VARIABLE = re.compile(r"\$(now-(?P<minutes>\d+)m|\w+)")

PAIRS = [
    (case, version)
    for case in CASES
    for version in VERSIONS
    if not isinstance(case.get("ocpp1.6" if version == V16 else "ocpp2.x"), str)
]
NAMES = [f"{case['id']}-{version}" for case, version in PAIRS]


@dataclass
class Deployment:
    """The server to test: where stations connect, where REST is served, and its counted deviations."""

    ocpp: LiveServer
    rest: LiveServer
    deviations: Callable[[str], set[str]]


@dataclass
class Run:
    """One case on one station."""

    deployment: Deployment
    version: str
    password: str | None = None
    identity: str = field(default_factory=lambda: fresh("FIELD"))
    variables: dict[str, Any] = field(default_factory=dict)

    @property
    def operator(self) -> Operator:
        return Operator(self.deployment.rest)

    def filled(self, value: Any) -> Any:
        """The value with its variables replaced; a text that is one variable takes the variable's type."""
        if isinstance(value, dict):
            return {name: self.filled(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if not isinstance(value, str):
            return value
        whole = _VARIABLE.fullmatch(value)
        return self._variable(whole) if whole else _VARIABLE.sub(lambda m: str(self._variable(m)), value)

    def _variable(self, match: re.Match[str]) -> Any:
        if match["minutes"]:
            return at(-int(match["minutes"]))
        known = {
            "identity": self.identity,
            "token": FIELD,
            "now": at(),
            "today": datetime.now(UTC).date().isoformat(),
        }
        return (known | self.variables)[match[1]]


async def run(deployment: Deployment, case: dict[str, Any], version: str) -> None:
    """Run the steps of a case, one after the other."""
    this = Run(deployment, version, case.get("password"))
    await this.operator.provision(
        this.identity, **({"password": this.password} if this.password is not None else {})
    )
    steps = case.get("every") or case["ocpp1.6" if version == V16 else "ocpp2.x"]
    if "connect" not in steps[0]:
        steps = [{"connect": {}}, *steps]
    async with AsyncExitStack() as sockets:
        peer: Peer | None = None
        for step in steps:
            if "connect" in step:
                await sockets.aclose()
                connecting = station(
                    deployment.ocpp, version, this.identity, password=this.password, headers=step["connect"]
                )
                peer = await sockets.enter_async_context(connecting)
            elif "deviations" in step:
                await sockets.aclose()  # the server stores the counts after the socket closes
                await _compare_deviations(this, set(step["deviations"]))
            else:
                assert peer is not None
                (kind,) = _KINDS.keys() & step.keys()
                await _KINDS[kind](this, peer, step)


async def _call(this: Run, peer: Peer, step: dict[str, Any]) -> None:
    answer = await peer.call(step["call"], this.filled(step["payload"]))
    assert_contains(answer, this.filled(step.get("answer", {})))
    for name, key in step.get("save", {}).items():
        this.variables[name] = answer[key]


async def _command(this: Run, peer: Peer, step: dict[str, Any]) -> None:
    began = time.monotonic()
    waiting = asyncio.create_task(
        this.operator.command(this.identity, step["command"], this.filled(step["payload"]))
    )
    if "reply" in step or "raw" in step:
        call = await peer.next_call()
        this.variables["id"] = call[1]
        assert call[2] == step["command"]
        if "reply" in step:
            await peer.answer(call, this.filled(step["reply"]))
        else:
            await peer.send_raw(this.filled(step["raw"]))
    status, data = await waiting
    assert status == step["status"], data
    assert time.monotonic() - began < step.get("within", 30)
    assert_contains(data, this.filled(step.get("data", {})))
    if "history" in step:
        path = f"/api/v1/chargepoints/{this.identity}/commands/{data['requestId']}"
        status, kept = await this.operator.request("GET", path)
        assert status == 200
        texts = "\n".join(_texts(kept["data"]))
        assert this.filled(step["history"]) in texts, kept


async def _transaction(this: Run, _: Peer, step: dict[str, Any]) -> None:
    (found,) = await _transactions(this)
    assert_contains(found, step["transaction"])


async def _reading(this: Run, _: Peer, step: dict[str, Any]) -> None:
    (found,) = await _transactions(this)
    path = f"/api/v1/transactions/{found['transactionId']}/meter-values"
    status, answer = await this.operator.request("GET", path)
    assert status == 200, answer
    (reading,) = answer["data"]["meterValues"]
    assert_contains(reading, step["reading"])


async def _get(this: Run, _: Peer, step: dict[str, Any]) -> None:
    status, answer = await this.operator.request("GET", this.filled(step["get"]))
    assert (status, answer["data"]["count"]) == (200, step["count"]), answer


_KINDS: dict[str, Callable[[Run, Peer, dict[str, Any]], Any]] = {
    "call": _call,
    "command": _command,
    "transaction": _transaction,
    "reading": _reading,
    "get": _get,
}


async def _transactions(this: Run) -> list[dict[str, Any]]:
    status, answer = await this.operator.request(
        "GET", f"/api/v1/transactions?clientId={this.identity}&status=all"
    )
    assert status == 200, answer
    found: list[dict[str, Any]] = answer["data"]["transactions"]
    return found


async def _compare_deviations(this: Run, expected: set[str]) -> None:
    await eventually(lambda: expected <= this.deployment.deviations(this.identity))


def assert_contains(value: Any, expected: Any) -> None:
    """Compare the fields that `expected` names; lists have the same length."""
    if isinstance(expected, dict):
        assert isinstance(value, dict), (value, expected)
        for name, item in expected.items():
            assert name in value, (name, value)
            assert_contains(value[name], item)
    elif isinstance(expected, list):
        assert isinstance(value, list)
        assert len(value) == len(expected), (value, expected)
        for found, item in zip(value, expected, strict=True):
            assert_contains(found, item)
    else:
        assert value == expected
        assert isinstance(value, bool) == isinstance(expected, bool)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []
