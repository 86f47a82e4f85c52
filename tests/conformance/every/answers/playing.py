"""Plays cases of the matrix, many at once, each at a station of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from chargepoints.models import Command, Message
from events.models import Event
from ocpp_server.commanding import OperatorCommand
from ocpp_server.storage.journal import journal
from tests.conformance.every.answers import asked
from tests.conformance.every.answers.bench import AnsweringStation, connected
from tests.conformance.every.answers.cases import Case, check_row, check_shown, equal
from tests.conformance.every.answers.endings import USUAL, Ending, endings
from tests.conformance.every.answers.subjects import subject

# The number of cases that are under way at once.
_AT_ONCE = 40


class Plan(NamedTuple):
    """A case without its station."""

    command: OperatorCommand
    action: str
    ending: Ending
    fields: dict[str, Any]


async def plans(command: OperatorCommand, version: str) -> list[Plan]:
    """All cases of a command: each ending of each CALL that it leads to, for each way to send it."""
    found = []
    for fields in asked.ways(command, version):
        for action in await _actions(command, version, fields):
            found += [Plan(command, action, ending, fields) for ending in endings(version, action)]
    return found


async def _actions(command: OperatorCommand, version: str, fields: dict[str, Any]) -> list[str]:
    """The actions of the CALLs that the command leads to at a station that does everything."""
    async with connected(version, [f"TRIED-{command.name}-{len(str(fields))}"]) as (station,):
        case = Case(station, command, "", USUAL, dict(fields))
        case.fields |= await subject(command.name).prepare(case)
        before = len(station.calls)
        sent = await case.send()
        if not sent.is_success:
            pytest.fail(asked.missing(command, version, sent.sentence))
        return list(dict.fromkeys(one.action for one in station.calls[before:]))


async def play(version: str, some: Sequence[Plan]) -> list[str]:
    """Play these cases. Returns a line for each one that went wrong."""
    wrong: list[str] = []
    for start in range(0, len(some), _AT_ONCE):
        batch = some[start : start + _AT_ONCE]
        names = [f"CP-{start + place}" for place in range(len(batch))]
        async with connected(version, names) as stations:
            cases = [
                Case(station, plan.command, plan.action, plan.ending, dict(plan.fields))
                for station, plan in zip(stations, batch, strict=True)
            ]
            lines = await asyncio.gather(*map(_play, cases))
        wrong += [line for line in lines if line] or await journal.run(_check_logs, stations)
    return wrong


async def _play(case: Case) -> str:
    """Send the command, let it end, and send it again. Returns what is wrong, or nothing."""
    about = subject(case.command.name)
    try:
        case.fields |= await about.prepare(case)
        before = len(case.station.calls)
        case.station.endings = {case.action: case.ending}
        first = await case.send()
        case.station.endings = {}
        calls = (one for one in case.station.calls[before:] if one.action == case.action)
        row = await case.row(next(calls).id)
        check_row(case, row)
        check_shown(case, row, first)
        await about.check(case, row)
        if not case.station.is_connected:
            await case.station.arrive()
        fields = await about.again(case, row)
        if fields is None:
            return ""
        second = await case.send(**fields)
        equal("the second attempt", (second.sentence, second.is_success), (second.sentence, True))
        await about.check_again(case, row, second)
    except AssertionError as error:
        return f"{case.name}: {error}"
    except Exception as error:  # of this case alone: the others go on
        return f"{case.name}: {type(error).__name__}: {error}"
    return ""


def _check_logs(stations: list[AnsweringStation]) -> list[str]:
    """Each command has one message in the log, and one event when it has finished."""
    keys, names = [one.row.pk for one in stations], [one.row.identity for one in stations]
    sent = Message.objects.filter(charge_point__in=keys, direction=Message.Direction.OUT)
    messages = Counter(sent.values_list("message_id", flat=True))
    finished = Event.objects.filter(type="command.finished", station__in=names)
    events = Counter(event.content["requestId"] for event in finished)
    return [
        f"{row} ({row.state}): {messages[row.pk]} messages, {events[row.pk]} events"
        for row in Command.objects.filter(charge_point__in=keys).select_related("charge_point")
        if (messages[row.pk], events[row.pk]) != (1, int(row.is_finished))
    ]
