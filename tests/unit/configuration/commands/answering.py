"""A scripted station whose answers may also be a lost connection, or a refusal to send."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chargepoints.models import ChargePoint, Command
from ocpp_server.domain import DomainError
from ocpp_server.transport import outcomes
from tests.unit.configuration.commands.scripted import ScriptedStation

# A response, an error code, a final state without an answer, or the error of a call that is not sent.
Answer = dict[str, Any] | str | Command.State | DomainError


class AnsweringStation(ScriptedStation):
    """`how` are the further arguments of each call."""

    def __init__(self, version: str, *answers: Answer, **reported: str) -> None:
        super().__init__(version, **reported)
        self.answers = list(answers)
        self.how: list[dict[str, Any]] = []

    async def call(  # type: ignore[override]
        self, charge_point: ChargePoint, action: str, payload: dict[str, Any], **how: Any
    ) -> Command:
        """`calls.call`: the row of the command in its final state."""
        assert charge_point.identity == self.row.identity
        self.commands.append((action, payload))
        self.how.append(how)
        answer = self.answers.pop(0)
        if isinstance(answer, DomainError):
            raise answer
        sent = Command(
            id=str(len(self.commands)), action=action, payload=payload, created_at=datetime.now(UTC)
        )
        if isinstance(answer, Command.State):
            sent.state = answer
        elif isinstance(answer, str):
            sent.state, sent.error_code = Command.State.ERROR, answer
        else:
            sent.response = answer
            sent.state, sent.status = outcomes.state_and_status(action, answer)
        return sent
