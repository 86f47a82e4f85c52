"""A connected station in memory that gives its answers in order; no message, no database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from chargepoints.models import ChargePoint, Command
from ocpp_server.live.records import Connection
from ocpp_server.transport import outcomes

# A response, an error code, or None for no answer.
Answer = dict[str, Any] | str | None


class ScriptedStation:
    """`commands` are the actions and payloads that were sent; `reported` its keys or variables."""

    def __init__(self, version: str, *answers: Answer, **reported: str) -> None:
        self.row = ChargePoint(pk=1, identity="CP-1", ocpp_version=version, registration_status="Accepted")
        self.connection = Connection("c", "CP-1", version, "here", "192.0.2.7", datetime.now(UTC))
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.timeouts: list[float | None] = []
        self.reported = reported
        self.lookups: list[list[str]] = []
        self._answers = list(answers)

    async def call(
        self,
        charge_point: ChargePoint,
        action: str,
        payload: dict[str, Any],
        *,
        actor: str,
        timeout: float | None,
        wait: bool,
    ) -> Command:
        """`calls.call`: the row of the command, in its final state if the caller waits."""
        assert charge_point is self.row
        self.commands.append((action, payload))
        self.timeouts.append(timeout)
        sent = Command(id=str(len(self.commands)), action=action, payload=payload, actor=actor)
        sent.state = Command.State.QUEUED
        if not wait:
            return sent
        answer = self._answers.pop(0)
        if answer is None:
            sent.state = Command.State.TIMEOUT
        elif isinstance(answer, str):
            sent.state, sent.error_code = Command.State.ERROR, answer
        else:
            sent.response = answer
            sent.state, sent.status = outcomes.state_and_status(action, answer)
        return sent

    def values(self, pk: int, names: Collection[str]) -> dict[str, str]:
        """The port of reported values; `lookups` are the names of each query."""
        self.lookups.append(list(names))
        return {name: self.reported[name] for name in names if name in self.reported}

    @property
    def asked(self) -> list[list[str]]:
        """The keys or variables of each message that asked for some by name."""
        return [_names(action, payload) for action, payload in self.commands]


def _names(action: str, payload: dict[str, Any]) -> list[str]:
    if action == "GetConfiguration":
        return list(payload.get("key", []))
    assert action == "GetVariables"
    return [f"{data['component']['name']}.{data['variable']['name']}" for data in payload["getVariableData"]]


def keys(*names: str, unknown: tuple[str, ...] = ()) -> dict[str, Any]:
    """A GetConfiguration.conf with these keys, each with its name as the value."""
    found = [{"key": name, "readonly": False, "value": name} for name in names]
    return {"configurationKey": found} | ({"unknownKey": list(unknown)} if unknown else {})


def variables(*names: str, **more: Any) -> dict[str, Any]:
    """A GetVariablesResponse with these variables of the component C, each with its name as the value."""
    results = []
    for name in names:
        named = {"component": {"name": "C"}, "variable": {"name": name}, "attributeValue": name}
        results.append(named | {"attributeStatus": "Accepted"} | more)
    return {"getVariableResult": results}
