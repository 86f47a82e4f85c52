"""Reading everything that a station has configured, at once or in parts (1.6 5.8; 2.0.1 B07, B06).

Some stations refuse the request for everything, lose the connection over the answer, or answer one key at a
time. The manner that has worked is remembered, and tried first the next time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from chargepoints.models import ChargePoint, Command
from configuration.commands import variables
from configuration.commands.variables import Reported
from configuration.models import ConfigurationState
from configuration.services.variables import catalogue, inventory, reading
from configuration.services.variables.reading import Claimed, Done
from configuration.services.variables.standard import ESSENTIAL_KEYS, REQUIRED_VARIABLES
from ocpp_server.domain import DomainError
from ocpp_server.storage.journal import journal
from ocpp_server.transport import outcomes

Manner = ConfigurationState.Manner

ACTOR: Final = "server"
# Seconds for the answer to a request for everything: slow stations have hundreds of keys.
_PATIENCE_S: Final = 30.0


async def read_claimed(claimed: Claimed, wanted: Sequence[str] = ()) -> Done:
    """Read everything that a station has configured, and the names in `wanted` in any case.

    The values are stored when the answers arrive. A refusal to send is the problem of the result.
    """
    charge_point, state = claimed.charge_point, claimed.state
    by_keys = variables.has_keys(charge_point)
    # New firmware may answer what the one before it could not.
    is_new = state.firmware_version != charge_point.firmware_version and state.attempts == 0
    manner = Manner.WHOLE if is_new else Manner(state.manner)
    try:
        if not claimed.is_whole:
            return await _desired(charge_point, wanted, state)
        if manner == Manner.WHOLE:
            whole = _all_keys if by_keys else _full_report
            done = await whole(charge_point, wanted, is_first=state.attempts == 0)
            if done is not None:
                return done
            manner = Manner.PARTS
        return await _by_name(charge_point, await _names(charge_point, wanted), manner)
    except DomainError as error:
        return Done(manner, problem=error.sentence)


async def _desired(charge_point: ChargePoint, wanted: Sequence[str], state: ConfigurationState) -> Done:
    """Read the keys with desired values alone: a boot may have changed them."""
    names = [name for name in wanted if variables.is_name(charge_point, name)]
    if not names:
        return Done(state.manner)
    if state.manner == Manner.SINGLE:
        done = await _by_name(charge_point, names, Manner.SINGLE)
        return Done(state.manner, problem=done.problem)
    found = await variables.read(charge_point, names, actor=ACTOR)
    return Done(state.manner, problem=_problem(found.command) if found.is_aborted else "")


async def _all_keys(charge_point: ChargePoint, wanted: Sequence[str], *, is_first: bool) -> Done | None:
    """Ask a 1.6 station for all keys, and for important ones that it left out. None: ask in parts."""
    at = datetime.now(UTC)
    found = await variables.read(charge_point, actor=ACTOR, timeout=_PATIENCE_S)
    if not found.is_answered or not found.keys:
        return _lost(found.command, is_first=is_first)
    manner = Manner.WHOLE if len(found.commands) == 1 else Manner.PARTS
    missing = found.missing([*ESSENTIAL_KEYS, *wanted])
    if missing:
        await variables.read(charge_point, missing, actor=ACTOR)
    return Done(manner, at if manner == Manner.WHOLE else None)


async def _full_report(charge_point: ChargePoint, wanted: Sequence[str], *, is_first: bool) -> Done | None:
    """Ask a 2.x station for a report, and wait until it is complete. None: ask in parts."""
    sent = await variables.ask_for_report(charge_point, actor=ACTOR, timeout=_PATIENCE_S)
    if sent.state != Command.State.ACCEPTED:
        return _lost(sent, is_first=is_first)
    if await inventory.settled(sent):
        is_full = sent.payload["reportBase"] == inventory.FULL
        return Done(Manner.WHOLE, sent.created_at if is_full else None)
    return Done(Manner.WHOLE, problem="The report of the variables was not complete.") if is_first else None


def _lost(command: Command, *, is_first: bool) -> Done | None:
    """A lost connection may have had another reason: only the second one shows that the answer was it."""
    if command.state != Command.State.DISCONNECTED:
        return None
    return Done(Manner.WHOLE if is_first else Manner.PARTS, problem=_problem(command))


async def _by_name(charge_point: ChargePoint, names: Sequence[str], manner: str) -> Done:
    if manner == Manner.SINGLE:
        found = Reported()
        for name in names:
            one = await variables.read(charge_point, [name], actor=ACTOR)
            found.commands += one.commands
            found.keys |= one.keys
            if one.is_aborted:
                return Done(manner, problem=_problem(one.command))
    else:
        found = await variables.read(charge_point, names, actor=ACTOR)
        if found.is_aborted:
            return Done(manner, problem=_problem(found.command))
        if _answers_one_at_a_time(found):
            manner = Manner.SINGLE
    return Done(manner, problem="" if found.keys else "The station reported no values.")


def _answers_one_at_a_time(found: Reported) -> bool:
    """Whether every request for several keys failed or was answered with one key."""
    several = [command for command in found.commands if len(variables.asked(command)) > 1]
    return bool(several) and bool(found.keys) and all(_number(command) <= 1 for command in several)


def _number(command: Command) -> int:
    """The number of keys that an answer contains, also as unknown ones."""
    response = command.response if command.state in outcomes.ANSWERED else None
    lists = ("configurationKey", "unknownKey", "getVariableResult")
    return sum(len((response or {}).get(name) or ()) for name in lists)


async def _names(charge_point: ChargePoint, wanted: Sequence[str]) -> list[str]:
    """The names to ask for: standard ones, those reported before, and those that are wanted."""
    known = await journal.run(reading.known_names, charge_point.pk)
    standard = catalogue.names() if variables.has_keys(charge_point) else REQUIRED_VARIABLES
    names: dict[str, str] = {}
    for name in (*standard, *wanted, *known):
        if variables.is_name(charge_point, name):
            names.setdefault(name.casefold(), name)
    return list(names.values())


def _problem(command: Command) -> str:
    words = Command.State(command.state).label
    return f"{command.action}: {words}{f' ({command.error_code})' if command.error_code else ''}."
