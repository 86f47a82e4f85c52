"""The matrix of answers for the actions that only the generic command sends."""

from __future__ import annotations

import pytest

from ocpp_server.commanding import SEND
from ocpp_server.protocol import schemas
from tests.conformance.every.answers import asked
from tests.conformance.every.answers.conftest import Measured, cases
from tests.conformance.every.answers.endings import endings
from tests.conformance.every.answers.playing import Plan, play
from tests.conformance.peer import VERSIONS
from tests.unit.protocol.samples import smallest

pytestmark = pytest.mark.django_db(transaction=True)

_UNDECLARED = [(action, version) for version in VERSIONS for action in asked.undeclared(version)]


@pytest.mark.nightly
@pytest.mark.parametrize(("action", "version"), cases(_UNDECLARED))
async def test_the_generic_command_is_sent_again_after_each_ending(
    process: None, measured: Measured, version: str, action: str
) -> None:
    payload = smallest(schemas.message_schema(version, action, "request"), ())
    fields = {"action": action, "payload": payload}
    planned = [Plan(SEND, action, ending, fields) for ending in endings(version, action)]
    wrong = await play(version, planned)

    measured("endings of the generic command", len(planned))
    assert not wrong, "\n".join([f"{len(wrong)} of {len(planned)} cases:", *wrong])
