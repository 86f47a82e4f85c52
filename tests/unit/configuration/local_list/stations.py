"""A connected station with a local list in memory. Its answers reach the handler; the rows are stored."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Coroutine
from datetime import UTC, datetime
from typing import Any

from chargepoints.models import ChargePoint, Command
from configuration.handlers import local_list as handlers
from ocpp_server.domain import DomainError
from ocpp_server.live.records import Connection
from ocpp_server.live.station import Station
from ocpp_server.protocol.versions import in_dialect
from ocpp_server.transport import outcomes

# A status word, a response, an end without an answer, an error that is raised, or what happens before it.
Answer = str | dict[str, Any] | Command.State | DomainError
Reply = Answer | Callable[["ListStation"], Answer]


def at_once(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test that waits for nothing, without an event loop: its queries are in its own transaction."""

    @functools.wraps(test)
    def run(*args: Any, **more: Any) -> None:
        started = test(*args, **more)
        try:
            started.send(None)
        except StopIteration:
            return
        started.close()
        raise AssertionError("The test waits.")

    return run


class ListStation:
    """`reported` are the keys or variables that the server knows, `tells` those that the station reports when
    it is asked. `replies` are answers to the next commands of an action; the usual ones are successes.
    """

    def __init__(self, version: str, capacity: str | None = "1000", **reported: str) -> None:
        self.version = version
        self.row = ChargePoint.objects.create(
            identity="CP-1", ocpp_version=version, registration_status="Accepted", is_online=True
        )
        self.connection = Connection("c", "CP-1", version, "here", "192.0.2.7", datetime.now(UTC))
        self.reported = reported
        if capacity is not None:
            name = in_dialect(version, "LocalAuthListMaxLength", "LocalAuthListCtrlr.Entries.maxLimit")
            self.reported[name] = capacity
        self.tells: dict[str, str] = {}
        self.replies: dict[str, list[Reply]] = {}
        self.number = 0
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.timeouts: list[float | None] = []
        self.actors: set[str] = set()
        self._name = in_dialect(version, "listVersion", "versionNumber")

    # -- the messages ------------------------------------------------------------------------------------

    @property
    def actions(self) -> list[str]:
        return [action for action, _ in self.commands]

    @property
    def updates(self) -> list[tuple[str, int, list[str]]]:
        """The type, version and tokens of each update; a removed token has a minus."""
        return [
            (sent["updateType"], sent[self._name], _tokens(sent))
            for action, sent in self.commands
            if action == "SendLocalList"
        ]

    # -- the ports that the server uses ------------------------------------------------------------------

    def values(self, pk: int, names: Collection[str]) -> dict[str, str]:
        assert pk == self.row.pk
        return {name: self.reported[name] for name in names if name in self.reported}

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
        self.commands.append((action, payload))
        self.timeouts.append(timeout)
        self.actors.add(actor)
        sent = Command(id=str(len(self.commands)), action=action, payload=payload, actor=actor)
        sent.state = Command.State.QUEUED
        if not wait:
            return sent
        queued = self.replies.get(action)
        reply = queued.pop(0) if queued else self._usual(action)
        answer = reply(self) if callable(reply) else reply
        if isinstance(answer, DomainError):
            raise answer
        if isinstance(answer, Command.State):
            sent.state = answer
        elif isinstance(answer, str) and action != "SendLocalList":
            sent.state, sent.error_code = Command.State.ERROR, answer
        elif isinstance(answer, str) and answer.startswith("error "):
            sent.state, sent.error_code = Command.State.ERROR, answer.removeprefix("error ")
        else:
            response = {"status": answer} if isinstance(answer, str) else answer
            await self._answered(sent, response)
        return sent

    def _usual(self, action: str) -> Answer:
        if action == "SendLocalList":
            return "Accepted"
        if action == "GetLocalListVersion":
            return {self._name: self.number}
        self.reported |= self.tells
        return {}

    async def _answered(self, sent: Command, response: dict[str, Any]) -> None:
        sent.response = response
        sent.state, sent.status = outcomes.state_and_status(sent.action, response)
        if sent.action == "SendLocalList":
            await self.answer_update(sent.payload, response["status"])

    async def answer_update(self, payload: dict[str, Any], status: str) -> None:
        if status == "Accepted":
            self.number = payload[self._name]
        await handlers.list_sent(self.live(), payload, {"status": status}, "c")

    def live(self) -> Station:
        return Station(pk=self.row.pk, identity="CP-1", version=self.version)


def _tokens(sent: dict[str, Any]) -> list[str]:
    found = []
    for entry in sent.get("localAuthorizationList", []):
        name = entry["idTag"] if "idTag" in entry else entry["idToken"]["idToken"]
        found.append(name if "idTagInfo" in entry or "idTokenInfo" in entry else f"{name}-")
    return found
