"""The matrix of answers: every declared command, with everything that can follow it at a station."""

from __future__ import annotations

import pytest

from ocpp_server.commanding import OperatorCommand
from tests.conformance.every.answers import asked
from tests.conformance.every.answers.conftest import Measured
from tests.conformance.every.answers.playing import plans, play

pytestmark = pytest.mark.django_db(transaction=True)

_DECLARED = list(asked.declared())


@pytest.mark.parametrize(
    ("command", "version"), _DECLARED, ids=[f"{command.name}-{version}" for command, version in _DECLARED]
)
async def test_a_declared_command_is_sent_again_after_each_ending(
    process: None, measured: Measured, command: OperatorCommand, version: str
) -> None:
    cases = await plans(command, version)
    wrong = await play(version, cases)

    measured("endings of declared commands", len(cases))
    assert not wrong, "\n".join([f"{len(wrong)} of {len(cases)} cases:", *wrong])
