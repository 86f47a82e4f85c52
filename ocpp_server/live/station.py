"""The live station: everything that handlers need of a station, without a database query."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp_server.events import outbox
from ocpp_server.events.types import EventType
from ocpp_server.live.loaded import LOADED, Loaded
from ocpp_server.live.records import TransactionState
from ocpp_server.observability import measures
from ocpp_server.observability.masking import masked_frame, masked_words
from ocpp_server.protocol import translate
from ocpp_server.protocol.session import ReplayMemory
from ocpp_server.protocol.tolerance import NOT_JUDGED
from ocpp_server.protocol.translate.times import TIME_MISSING
from ocpp_server.storage.unit import Unit


class DeviationCount:
    """Occurrences of one kind of deviation since they were last written to the database."""

    __slots__ = ("count", "detail", "example")

    def __init__(self, detail: str, example: str) -> None:
        self.count = 0
        self.detail = detail
        self.example = example


# A station can send any number of field names; beyond this many kinds, deviations are counted as one kind.
MAX_DEVIATION_KINDS = 100

# The offset of a station's clock is estimated over windows of this length; only a new window may lower it.
CLOCK_WINDOW = timedelta(hours=1)
# A larger offset is a deviation.
CLOCK_ALLOWED_S = 60.0
# The namespace of the keys of `row_key`.
_ROWS = uuid.UUID("6c1f7f0e-0b0a-4f0e-9d6d-2f4f8c5f3a11")


class Station(Loaded):
    """The live state of one connected station. It needs no lock: messages are handled one after the other.

    `unit` gathers the changes of the current message, which was received at `received_at`.
    """

    __slots__ = (
        "pk",
        "identity",
        "version",
        "connection_id",
        "certificate_name",
        "memory",
        "unit",
        "received_at",
        "connected_at",
        "last_seen_at",
        "mirrored_at",
        "clock_skew_s",
        "clock_best_s",
        "clock_measured_until",
        "_last_time",
        "deviations",
        "_masked",
        "_unknown_in",
        "frame",
        "payload",
        "action",
        "actor",
        "asked_at",
        "in_doubt",
        "request",
        "is_uncommitted",
        "opened",
        "claimed",
        "changed",
        "used_tokens",
        "__weakref__",
    )

    def __init__(self, *, pk: int, identity: str, version: str) -> None:
        super().__init__()
        self.pk = pk
        self.identity = identity
        self.version = version
        self.connection_id = ""
        # The common name (CN) of the client certificate of this connection; empty without one.
        self.certificate_name = ""
        self.memory = ReplayMemory()
        self.unit = Unit()
        # When this state was made for a connection; a reload keeps it.
        self.received_at = self.connected_at = datetime.now(UTC)
        self.last_seen_at = self.received_at
        self.mirrored_at: datetime | None = None
        self.clock_skew_s: float | None = None
        self.clock_best_s: float | None = None
        self.clock_measured_until: datetime | None = None
        # The last parsed timestamp, its message and its value: an event contains the same timestamp twice.
        self._last_time: tuple[object, datetime | None, datetime] = (None, None, self.received_at)
        self.deviations: dict[tuple[str, str, str], DeviationCount] = {}
        # When the last message with a field that its schema does not know was received.
        self._unknown_in: datetime | None = None
        # The current message: its frame, and its payload's JSON text, byte for byte.
        self.frame = ""
        self._masked = ("", "")
        self.payload = ""
        self.action = ""
        # The sender of the command whose answer is the current message.
        self.actor = ""
        # When that command was sent; set for each answer.
        self.asked_at = self.received_at
        # The last load may have missed stored rows: query the database before treating an object as new.
        self.in_doubt = False
        # The payload of the current message as its handler sees it: decoded, and repaired where necessary.
        self.request: dict[str, Any] = {}
        # A message is changing the station, or has failed to: other processes must not see the changes.
        self.is_uncommitted = False
        # For the unit of work of the current message: the transactions it opened, the ones that count for
        # their tokens before the commit, the ones to publish after the commit, and the accepted tokens.
        self.opened: list[TransactionState] = []
        self.claimed: list[TransactionState] = []
        self.changed: list[TransactionState] = []
        self.used_tokens: list[int] = []

    def begin(self, frame: str, at: datetime) -> None:
        """Start with a new message, received at `at`: nothing of the last one belongs to it."""
        self.received_at = self.last_seen_at = at
        self.frame = frame
        self.payload = self.action = self.actor = ""
        self.request = {}

    @property
    def is_accepted(self) -> bool:
        return self.registration_status == "Accepted"

    @property
    def has_only_known_fields(self) -> bool:
        """Whether the current message, after validation, has only fields that its schema knows."""
        return self._unknown_in is not self.received_at

    def row_key(self, *parts: object) -> str:
        """A primary key for a row that the present message adds; `parts` name the row in the message.

        A message whose commit was stored, but not confirmed, runs once more (decision 0004). Its row has the
        same key then, and a table with `once` skips it.
        """
        named = "\0".join(map(str, (self.pk, self.received_at.isoformat(), *parts)))
        return str(uuid.uuid5(_ROWS, named))

    def deviation(self, kind: str, detail: str = "", *, path: str = "") -> None:
        """Count a deviation of the station from the specification.

        The first frame of each kind is kept as an example, with its secrets masked.
        """
        measures.deviations.add(kind)
        if kind in NOT_JUDGED:
            self._unknown_in = self.received_at
        key = (kind, self.action[:64], path[:255])
        if key not in self.deviations and len(self.deviations) >= MAX_DEVIATION_KINDS:
            key = ("more-kinds", "", "")
        if key not in self.deviations:
            self.deviations[key] = DeviationCount(masked_words(detail)[:500], self._example())
        self.deviations[key].count += 1

    def _example(self) -> str:
        """The start of the current frame with its secrets masked: a frame has up to 20 kinds of deviations,
        and masking a large one takes long.
        """
        frame, text = self._masked
        if frame is not self.frame:
            text = masked_frame(self.frame)[:2000]
            self._masked = self.frame, text
        return text

    def emit(self, type: EventType, /, **data: Any) -> None:
        """Add an event to the unit of the current message: it is stored with the change, or not at all."""
        outbox.add(self.unit, type, data, station=self.identity, site=self.site_pk)

    def moment(self, text: object) -> datetime:
        """The station's time if it is plausible, else the time of receipt; counts a problem as deviation."""
        return self.moment_or_problem(text)[0]

    def moment_or_problem(self, text: object) -> tuple[datetime, str]:
        last, of_message, at = self._last_time
        if of_message is self.received_at and last == text:
            return at, ""
        at, problem = translate.moment(text, received_at=self.received_at, zone=self.zone)
        if not problem:
            self._last_time = (text, self.received_at, at)
            self._observe_clock(at)
        elif problem != TIME_MISSING:  # that is counted by the validation, with its path
            self.deviation(problem, repr(text)[:100], path="timestamp")
        return at, problem

    def _observe_clock(self, at: datetime) -> None:
        """Measure the offset of the station's clock from the server's.

        A station never reports a time later than its own clock, so the most recent time within an hour shows
        the offset. A queued or repeated message has an older time and does not lower it.
        """
        offset = (at - self.received_at).total_seconds()
        if self.clock_best_s is None or offset > self.clock_best_s:
            self.clock_best_s = offset
        if self.clock_skew_s is None or offset > self.clock_skew_s:
            self._measured_clock(offset)
        if self.clock_measured_until is None:
            self.clock_measured_until = self.received_at + CLOCK_WINDOW
        elif self.received_at >= self.clock_measured_until:
            self._measured_clock(self.clock_best_s)
            self.clock_best_s, self.clock_measured_until = None, self.received_at + CLOCK_WINDOW

    def _measured_clock(self, skew_s: float) -> None:
        self.clock_skew_s = round(skew_s, 3)
        if self.clock_measured_until is not None and abs(skew_s) > CLOCK_ALLOWED_S:
            self.deviation("clock-skew", f"{skew_s:.0f} s", path="timestamp")

    def take_over(self, fresh: Station) -> None:
        """Take all that a newly loaded station has loaded; identity, connection and replay memory stay."""
        for name in LOADED:
            setattr(self, name, getattr(fresh, name))
        self.in_doubt = True
