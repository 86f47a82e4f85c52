"""Codes about this server: certificates, storage, queue."""

from __future__ import annotations

from typing import Final

from alerts.models import Severity
from alerts.services.codes.declaration import MINUTE, Code, Parameter, Unit

_GIB: Final = 1024**3

CERTIFICATE: Final = Code(
    name="certificate",
    label="Certificate ends",
    condition="A certificate in use (of a CA, a root, a station or this server) ends within 30 days; within "
    "7 days, or after its end, it is critical.",
    what_to_do="Renew it before its end: stations refuse a server, and the server refuses stations, whose "
    "certificate has ended.",
    severity=Severity.WARNING,
    waits=False,
    parameters=(
        Parameter("days", "Before the end", 30, Unit.DAYS, 1, 366),
        Parameter("critical_days", "Critical before the end", 7, Unit.DAYS, 1, 366),
    ),
    every_s=10 * MINUTE,
)
DISK: Final = Code(
    name="disk",
    label="Disk almost full",
    condition="Less than 10 % or 2 GiB of the disk of DATA_DIR are free; less than 3 % is critical.",
    what_to_do="Free space or enlarge the disk: without space no message of a station can be stored. A "
    "shorter retention of messages helps from the next day.",
    severity=Severity.WARNING,
    waits=False,
    parameters=(
        Parameter("percent", "Free, percent", 10, Unit.PERCENT, 1, 99),
        Parameter("bytes", "Free, bytes", 2 * _GIB, Unit.BYTES, 0, 1024 * _GIB),
        Parameter("critical_percent", "Critical", 3, Unit.PERCENT, 0, 99),
    ),
)
QUEUE: Final = Code(
    name="queue",
    label="Queue waits",
    condition="A message of a station has waited for 10 seconds in the queue between gateways and "
    "processors.",
    what_to_do="Start more processors, and look at the database: it may be slow or locked.",
    severity=Severity.CRITICAL,
    for_s=30,
    waits=False,
    parameters=(Parameter("oldest_s", "Waiting", 10, Unit.SECONDS, 1, 86_400),),
)
DEAD_LETTERS: Final = Code(
    name="dead_letters",
    label="Dead letters",
    condition="Messages of stations were put aside because no processor could handle them.",
    what_to_do="Read them with manage.py dead_letters, and report the error: the stations got no answer.",
    severity=Severity.WARNING,
    waits=False,
)
EVENTS: Final = Code(
    name="events_late",
    label="Events late",
    condition="The oldest event that is not numbered yet has waited for a minute.",
    what_to_do="Look at the housekeeping process and the database. Pages, webhooks and alerts get their news "
    "late.",
    severity=Severity.WARNING,
    waits=False,
    parameters=(Parameter("oldest_s", "Waiting", MINUTE, Unit.SECONDS, 1, 86_400),),
)

CODES: Final = (CERTIFICATE, DISK, QUEUE, DEAD_LETTERS, EVENTS)
