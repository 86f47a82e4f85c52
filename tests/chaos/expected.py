"""Records what stations sent and which answers they got, and compares both with the database."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tests.direct.samples import expanded


@dataclass
class Session:
    """One charging session, with meters in Wh.

    The server assigns `number` (1.6), the station `transaction_id` (2.x).
    """

    station: str
    card: str
    started_at: str
    meter_start: int
    transaction_id: str = ""
    number: int | None = None
    meter_stop: int | None = None
    stopped_at: str = ""
    # (measurand, time, value) of every sample sent, including the samples in start and stop messages.
    samples: list[tuple[str, str, float]] = field(default_factory=list)
    seq_nos: int = 0


@dataclass
class ExpectedData:
    sessions: list[Session] = field(default_factory=list)
    # Faults in the answers: a second number for the same start, errors, refused tokens.
    faults: list[str] = field(default_factory=list)
    answered: set[tuple[str, str]] = field(default_factory=set)
    unanswered: set[tuple[str, str]] = field(default_factory=set)
    retries: int = 0

    def record_number(self, session: Session, number: int) -> None:
        """Record the answer to a start. A repeated start must get the same number."""
        if session.number not in (None, number):
            self.faults.append(f"{session.station}: {session.number} became {number} when repeated")
        session.number = number

    def violations(self, database: Path, *, has_gaps: bool = False, has_counter: bool = True) -> list[str]:
        """Describe every difference between the database and the messages of the stations.

        `has_gaps`: a server that keeps running after a start it could not store leaves gaps in the numbers.
        `has_counter`: with several processes the counter is in Redis, and the database copies it only once a
        minute, so its counter is not checked.
        """
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as stored:
            stored.row_factory = sqlite3.Row
            return [*self.faults, *_Check(self, stored, has_gaps=has_gaps, has_counter=has_counter).run()]

    def count_unanswered(self, database: Path) -> tuple[int, int]:
        """Count the messages that were never answered: how many are stored, and how many are not."""
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as stored:
            logged = _logged(stored)
        lost = self.unanswered - self.answered
        return len(lost & logged), len(lost - logged)


def _logged(stored: sqlite3.Connection) -> set[tuple[str, str]]:
    rows = stored.execute(
        "SELECT c.identity, m.message_id FROM chargepoints_message m"
        " JOIN chargepoints_chargepoint c ON c.id = m.charge_point_id WHERE m.direction = 'in'"
    )
    return {(row[0], row[1]) for row in rows}


class _Check:
    def __init__(
        self, expected: ExpectedData, stored: sqlite3.Connection, *, has_gaps: bool, has_counter: bool
    ) -> None:
        self.expected = expected
        self.stored = stored
        self.has_gaps = has_gaps
        self.has_counter = has_counter
        self.found: list[str] = []

    def run(self) -> list[str]:
        rows = self.stored.execute(
            "SELECT t.*, c.identity FROM transactions_transaction t"
            " JOIN chargepoints_chargepoint c ON c.id = t.charge_point_id"
        ).fetchall()
        by_start: dict[tuple[str, datetime], list[sqlite3.Row]] = {}
        for row in rows:
            by_start.setdefault((row["identity"], _moment(row["started_at"])), []).append(row)
        for session in self.expected.sessions:
            matching = by_start.pop((session.station, _moment(session.started_at)), [])
            if len(matching) == 1:
                self._compare(session, matching[0])
            else:
                self._report(session, f"{len(matching)} transactions instead of one")
        for identity, at in by_start:
            self.found.append(f"{identity}: a transaction of {at} that no station started")
        self._numbers([row["id"] for row in rows])
        lost = self.expected.answered - _logged(self.stored)
        self.found += [
            f"{identity}: {message_id} was answered and is not stored" for identity, message_id in lost
        ]
        for reason, count in self.stored.execute(
            "SELECT reason, COUNT(*) FROM transactions_quarantinedmessage GROUP BY reason"
        ):
            self.found.append(f"{count} messages were put aside: {reason}")
        return self.found

    def _report(self, session: Session, violation: str) -> None:
        self.found.append(f"{session.station} {session.started_at}: {violation}")

    def _compare(self, session: Session, row: sqlite3.Row) -> None:
        expected = {
            "status": "ended",
            "ended_by": "station",
            "authorization_status": "Accepted",
            "id_token": session.card,
            "meter_start_wh": session.meter_start,
            "meter_stop_wh": session.meter_stop,
            "energy_wh": (session.meter_stop or 0) - session.meter_start,
            "suspect": 0,
        }
        if session.number is not None:
            expected["id"] = session.number
        else:
            expected["ocpp_id"] = session.transaction_id
        for name, value in expected.items():
            if row[name] != value:
                self._report(
                    session, f"{name} is {row[name]!r} instead of {value!r} {row['suspect_reasons']}"
                )
        if row["stopped_at"] is None or _moment(row["stopped_at"]) != _moment(session.stopped_at):
            self._report(session, f"stopped at {row['stopped_at']} instead of {session.stopped_at}")
        self._compare_samples(session, row["id"])
        if session.seq_nos:
            self._compare_events(session, row)

    def _compare_samples(self, session: Session, number: int) -> None:
        wanted = Counter((measurand, _moment(at), value) for measurand, at, value in session.samples)
        readings = self.stored.execute(
            "SELECT measured_at, samples FROM transactions_reading WHERE transaction_id = ?", (number,)
        )
        samples = expanded({"measured_at": at, "samples": text} for at, text in readings)
        have = Counter((one["measurand"], _moment(one["measured_at"]), one["value"]) for one in samples)
        if have != wanted:
            self._report(session, f"readings lost {dict(wanted - have)}, too many {dict(have - wanted)}")

    def _compare_events(self, session: Session, row: sqlite3.Row) -> None:
        events = self.stored.execute(
            "SELECT seq_no FROM transactions_transactionevent WHERE transaction_id = ?", (row["id"],)
        )
        have = Counter(event[0] for event in events)
        if have != Counter(range(session.seq_nos)):
            self._report(session, f"events {dict(have)} instead of 0..{session.seq_nos - 1}")
        if row["missing_seq_nos"] != "[]" or row["last_seq_no"] != session.seq_nos - 1:
            self._report(session, f"last seqNo {row['last_seq_no']}, missing {row['missing_seq_nos']}")

    def _numbers(self, numbers: list[int]) -> None:
        given = Counter(session.number for session in self.expected.sessions if session.number is not None)
        self.found += [
            f"number {number} was given {count} times" for number, count in given.items() if count > 1
        ]
        if min(numbers, default=1000) < 1000:
            self.found.append(f"there is a number {min(numbers)}")
        if not self.has_gaps and sorted(numbers) != list(range(1000, 1000 + len(numbers))):
            self.found.append("the numbers do not rise from 1000 by one")
        if not self.has_counter:
            return
        (counted,) = self.stored.execute(
            "SELECT value FROM transactions_counter WHERE name = 'transaction'"
        ).fetchone()
        if numbers and counted < max(numbers):
            self.found.append(f"the counter stands at {counted}, the highest number is {max(numbers)}")


def _moment(text: str) -> datetime:
    """Parse a naive UTC text of the database or a `Z` time of OCPP to the same value."""
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=None)
