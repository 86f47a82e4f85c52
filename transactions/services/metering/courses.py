"""The energy and the power of a stored session, for its chart.

The columns of most readings say all about both. Only the samples of the others are read: those of the first
and the last reading of a session, of phases, and of times with several readings.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from ocpp_server.protocol.translate.metering import ENERGY, POWER
from transactions.models import Reading
from transactions.services.metering.counting import Rank, Register
from transactions.services.metering.measured import register
from transactions.services.metering.samples import OUTLET, Role, Wanted
from transactions.services.metering.stored import Series, Value

_WANTED: Final = Wanted(frozenset({ENERGY, POWER}), locations=OUTLET)
# With more times to read, all samples are read in their order instead.
_MOST_TIMES: Final = 200
# In thousandths of a Wh, by `register_exponent`.
_RESOLUTIONS: Final = {exponent: 10 ** (exponent + 3) for exponent in range(-3, 31)}


class Course(NamedTuple):
    """The readings of the register, and the watts of each phase at each time; the total has the phase ""."""

    registers: list[Register]
    watts: dict[datetime, dict[str, float]]


def of(transaction_id: int, *, at_most: int) -> Course:
    """The course of a session in the order of time, from its first readings, `at_most`."""
    course, series = Course([], {}), Series(transaction_id, wanted=_WANTED)
    if series.has_single_samples:
        return _add(course, series.values(at_most=at_most))
    rows = Reading.objects.filter(transaction=transaction_id).order_by("measured_at", "id")
    columns = ("measured_at", "register_mwh", "register_exponent", "power_w")
    found = list(rows.values_list(*columns)[:at_most])
    several = {at for (at, *_), (before, *_) in zip(found[1:], found, strict=False) if at == before}
    to_read = several | {row[0] for row in found if row[2] is None}
    if len(to_read) > _MOST_TIMES:
        return _add(course, series.values(at_most=at_most))
    registers, watts = course
    for at, mwh, exponent, power_w in found:
        if exponent is None or at in several:
            continue
        registers.append(Register(at, Rank.ORDINARY, "", mwh, _RESOLUTIONS[exponent]))
        if power_w is not None:
            watts[at] = {"": power_w}
    return _add(course, series.values(at_times=to_read)) if to_read else course


def _add(course: Course, values: Iterable[Value]) -> Course:
    """Add the values of samples. Those who use a course sort its registers and its times."""
    for at, kind, value, raw in values:
        if kind.role is Role.REGISTER:
            course.registers.append(register(at, kind, value, raw))
        else:
            course.watts.setdefault(at, {})[kind.phase] = value
    return course
