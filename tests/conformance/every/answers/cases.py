"""One case of the matrix: a command is sent, ends in one way, and is sent again."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from rest_framework.response import Response

from chargepoints.models import ChargePoint, Command
from chargepoints.serializers import CommandSerializer
from chargepoints.views.commanding import answer_of
from ocpp_server.api import extensions
from ocpp_server.api.command_bodies import body_of
from ocpp_server.commanding import OperatorCommand
from ocpp_server.domain import DomainError
from ocpp_server.protocol import schemas
from ocpp_server.protocol.errors import OcppError
from ocpp_server.protocol.frames import CallResult, parse
from ocpp_server.storage.journal import journal
from ocpp_server.transport import outcomes, restarts
from tests.conformance.every.answers.bench import AnsweringStation
from tests.conformance.every.answers.endings import DROPPED, SILENCE, Ending

State = Command.State
ACTOR = "ann"
# Seconds for an answer: no station needs them.
_TIMEOUT_S = 30.0


class Shown(NamedTuple):
    """The answer of the REST API to an operator: that for the result, or the error of the domain."""

    command_id: str = ""
    http: int = 0
    body: dict[str, Any] = {}  # noqa: RUF012 - never changed
    error: DomainError | None = None

    @property
    def is_success(self) -> bool:
        return self.error is None and self.http < 400 and self.body["success"]

    @property
    def sentence(self) -> str:
        return self.error.sentence if self.error is not None else str(self.body["message"])


@dataclass
class Case:
    """`action` is that of the CALL that ends so; `fields` are those of the body. `notes` belong to the
    subject of the command.
    """

    station: AnsweringStation
    command: OperatorCommand
    action: str
    ending: Ending
    fields: dict[str, Any]
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.station.version} {self.command.name}: {self.action} ends with {self.ending.name}"

    @property
    def pk(self) -> int:
        return self.station.row.pk

    async def send(self, command: OperatorCommand | None = None, **fields: Any) -> Shown:
        """Send a command as the REST API does; with no fields, the case's own command with its own."""
        return await send(self.station, command or self.command, fields or self.fields)

    async def usually(self, command: OperatorCommand, **fields: Any) -> Shown:
        """Send a command that must succeed."""
        sent = await send(self.station, command, fields)
        equal(f"{command.name} before", (sent.sentence, sent.is_success), (sent.sentence, True))
        return sent

    async def row(self, command_id: str) -> Command:
        """The row of a command."""
        return (await self.rows(command_id))[0]

    async def rows(self, *ids: str) -> list[Command]:
        """These commands of the station, in their order."""
        found = Command.objects.filter(pk__in=ids).order_by("created_at")
        rows = await journal.run(lambda: list(found))
        for row in rows:
            row.charge_point = self.station.row
        return rows


async def send(station: AnsweringStation, command: OperatorCommand, fields: dict[str, Any]) -> Shown:
    body = body_of(command)(data=fields)
    if not body.is_valid():
        return Shown(error=DomainError(f"The fields are not valid: {body.errors}."))
    row = await journal.run(ChargePoint.objects.get, pk=station.row.pk)
    asked = {"timeout": _TIMEOUT_S} | dict(body.validated_data)
    try:
        result = await command.perform(row, actor=ACTOR, **asked)
    except DomainError as error:
        return Shown(error=error)
    finally:
        await station.settled()
    response: Response = answer_of(command, result, row)
    return Shown(result.command.id, response.status_code, response.data)


@cache
def _shown() -> CommandSerializer:
    """One serializer for all rows: making its fields costs more than a row."""
    return CommandSerializer()


def equal(what: str, found: Any, wanted: Any) -> None:
    """Raise AssertionError unless both are the same."""
    if found != wanted:
        raise AssertionError(f"{what}: {found!r} instead of {wanted!r}")


# -- the row of the command, and what an operator reads ------------------------------------------------------


def check_row(case: Case, row: Command) -> None:
    """The command has ended in the right state, with the reason."""
    ending = case.ending
    is_restart = restarts.restarts(row.action, row.payload)
    equal("whether it was sent", row.sent_at is not None, True)
    if ending.name == DROPPED and is_restart:
        equal("state", (row.state, row.effect, row.finished_at), ("sent", "waiting", None))
        return
    equal("whether it has finished", row.finished_at is not None, True)
    if ending.is_error:
        assert ending.frame is not None
        found = row.state, row.error_code, row.error_description, row.error_details
        equal("state, code, description and details", found, ("error", *ending.frame[1:]))
    elif ending.name == SILENCE:
        found = row.state, row.error_code, row.error_description, row.effect
        equal("state, code, description and effect", found, ("timeout", "", "", "waiting" * is_restart))
    elif ending.name == DROPPED:
        equal("state", row.state, "disconnected")
    else:
        _check_answer(case, row)


def _check_answer(case: Case, row: Command) -> None:
    response, error = _read(case, row)
    if error is not None:
        found = row.state, row.error_code, row.error_description
        wanted = ("invalid", error.code_for(case.station.version), error.description)
        equal("state, code and description", found, wanted)
        equal("whether the schema allows it", case.ending.is_allowed, False)
        return
    equal("whether it can be read", case.ending.is_readable, True)
    wanted = outcomes.outcome(row.action, response)
    equal("state and status", (row.state, row.status), (str(wanted.state), wanted.status))
    if case.ending.is_unknown_word:
        equal("whether it counts as done", row.outcome.is_success, False)


def _read(case: Case, row: Command) -> tuple[dict[str, Any], OcppError | None]:
    """The answer as the server reads it, or the rule that it breaks."""
    version = case.station.version
    frame = parse(case.ending.text(row.pk, row.payload), version, strict=False)
    try:
        response = frame.json()  # type: ignore[union-attr]
        assert isinstance(frame, CallResult)
        schemas.check(version, row.action, "response", response, strict=False)
    except OcppError as error:
        return {}, error
    return response, None


def check_shown(case: Case, row: Command, sent: Shown) -> None:
    """The REST API names what happened: in its answer to the command, and later."""
    for extension in extensions.of("commands"):  # the subject of the command looks at them
        setattr(row, extension.attribute, None)
    shown = _shown().to_representation(row)
    found = shown["state"], shown["status"], shown["errorCode"], shown["errorDescription"]
    equal("what REST shows", found, (row.state, row.status, row.error_code, row.error_description))
    equal("the effect that REST shows", bool(shown["effect"]), bool(row.effect))
    if sent.error is not None:
        equal("whether there is a sentence", len(sent.sentence) > 20 and sent.sentence.endswith("."), True)
        return
    if sent.command_id != row.pk:  # another CALL of the command decided
        return
    equal("whether it is a success", sent.is_success, row.outcome.is_success or row.has_dropped)
    words = {
        State.ERROR: f"the error {row.error_code}.",
        State.INVALID: "sent an invalid answer to",
        State.TIMEOUT: "did not answer",
        State.DISCONNECTED: "went offline before it answered",
        State.SENT: "dropped the connection before it answered",
        State.EMPTY: row.status or "has nothing to send",
    }
    word = words.get(State(row.state), row.status)
    equal(f"whether “{sent.sentence}” has “{word}”", word in sent.sentence, True)
    info = {name: sent.body["data"].get(name, "") for name in ("reasonCode", "additionalInfo")}
    wanted = {"reasonCode": row.outcome.reason_code, "additionalInfo": row.outcome.additional_info}
    equal("the station's reason", info, wanted)
