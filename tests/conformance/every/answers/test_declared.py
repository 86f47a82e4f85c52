"""The matrix of answers: every declared command, with everything that can follow it at a station."""

from __future__ import annotations

import pytest

from ocpp_server.commanding import OperatorCommand
from tests.conformance.every.answers import asked
from tests.conformance.every.answers.conftest import Measured, cases
from tests.conformance.every.answers.playing import plans, play

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("command", "version"), cases(asked.declared()))
async def test_a_declared_command_is_sent_again_after_each_ending(
    process: None, measured: Measured, command: OperatorCommand, version: str
) -> None:
    planned = await plans(command, version)
    wrong = await play(version, planned)

    measured("endings of declared commands", len(planned))
    assert not wrong, "\n".join([f"{len(wrong)} of {len(planned)} cases:", *wrong])
