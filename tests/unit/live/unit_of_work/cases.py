"""One message that is sent again and again to a station in the same state, and the rules after a failure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.db import connection

from accounts.models import Token
from chargepoints.models import ChargePoint
from chargepoints.services.follow_ups.gathering import find_missed
from ocpp_server import live
from ocpp_server.live import extensions
from ocpp_server.protocol.session import ALWAYS_NEW
from ocpp_server.storage.journal import journal
from ocpp_server.transport.presence import load_connected
from tariffs.models import Payment
from tests.direct.wire import Wire
from tests.unit.live.unit_of_work.comparing import (
    FIRST_NUMBER,
    about_money,
    assert_is_stored,
    assert_no_other_session_is_seen,
    stored,
)
from tests.unit.live.unit_of_work.failing import differences
from tests.unit.live.unit_of_work.injecting import Database
from tests.unit.live.unit_of_work.messages import MESSAGES
from tests.unit.live.unit_of_work.snapshots import Snapshot

# Rows that are stored by themselves, before the message: connectors that it names first, and an unknown token
# in the inbox of the operator.
BY_THEMSELVES = ("Evse", "Connector", "UnknownToken")
# Counts how often a token was presented, attempts included.
COUNTS = ("UnknownToken",)
Rows = dict[str, list[str]]


class Case:
    """One message, which can be sent again and again to a station in the same state."""

    def __init__(self, name: str, settings: Any, database: Database) -> None:
        self.name = name
        self.settings = settings
        self.version, self.before, message = MESSAGES[name]
        self.action = message[0]
        self.frame = orjson.dumps([2, "again", *message]).decode()
        self.snapshot = Snapshot()
        self.database = database

    async def prepare(self) -> None:
        """Store what must come before the message, and what the message leaves if nothing fails."""

        def create() -> int:
            for uid in ("ALICE", "BOB"):
                Token.objects.create(uid=uid, type=Token.Type.RFID)
            # A failed attempt uses up a number of a payment, too, and an event names it.
            with connection.cursor() as cursor:
                table = [Payment._meta.db_table]
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", table)
                cursor.execute(
                    "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)",
                    [*table, FIRST_NUMBER + 5_000],
                )
            return ChargePoint.objects.create(
                identity="CP-1", registration_status="Accepted", ocpp_version=self.version
            ).pk

        self.pk = await journal.run(create)
        wire = await self.connect()
        for message in self.before:
            assert (await wire.call(*message))[0] == 3
        self.at = datetime.now(UTC)
        self.snapshot.take()
        self.rows_before = await self.rows()
        wire = await self.begin()
        await self.send(wire)
        assert wire.sent[-1][0] == 3, wire.sent
        self.rows_after = await self.rows()

    async def begin(self) -> Wire:
        """The station as it was before the message, in a process that has just started."""
        self.snapshot.restore()
        live.reset()
        return await self.connect()

    async def connect(self) -> Wire:
        last_number, active = await journal.run(extensions.transactions.app.load_running)
        live.state().rebuild(last_number=max(last_number, FIRST_NUMBER), active=active)
        return Wire(await load_connected(self.pk, version=self.version, connection_id="c"))

    async def reconnect(self) -> Wire:
        """A new connection of the station to the same process."""
        return Wire(await load_connected(self.pk, version=self.version, connection_id="d"))

    async def send(self, wire: Wire) -> None:
        await wire.connection.received(self.frame, self.at)

    async def rows(self) -> Rows:
        return await journal.run(stored, since=self.at + timedelta(microseconds=1))

    # -- the rules ------------------------------------------------------------------------------------

    async def check(self, wire: Wire, place: str, *, may_be_stored: bool = False) -> None:
        """Check what the failure has left, and that the message sent again has its effect once."""
        is_answered = any(frame[0] == 3 for frame in wire.sent)
        assert is_answered or wire.closed or wire.sent[0][2] == "InternalError", place
        if is_answered:
            await self.assert_done_once(place, is_repeated=may_be_stored)
        elif not may_be_stored:
            now = without(await self.rows(), BY_THEMSELVES)
            assert differences(now, without(self.rows_before, BY_THEMSELVES)) == [], place
        if not wire.closed:
            await assert_is_stored(wire.station, place)
        elif not may_be_stored:
            await assert_no_other_session_is_seen(wire.station, place)

        if is_answered and self.action in ALWAYS_NEW:
            return  # the same boot again is another boot
        again = await self.reconnect() if wire.closed else wire
        await self.send(again)

        assert again.sent[-1][0] == 3, (place, again.sent)
        await self.assert_done_once(place, is_repeated=may_be_stored)
        await assert_is_stored(again.station, place)

    async def assert_done_once(self, place: str, *, is_repeated: bool) -> None:
        # The job that computes the reports whose @after handler has failed.
        await journal.run(find_missed)
        rows, wanted = await self.rows(), self.rows_after
        if is_repeated:
            rows, wanted = about_money(rows), about_money(wanted)
        assert differences(without(rows, COUNTS), without(wanted, COUNTS)) == [], place


def without(rows: Rows, tables: tuple[str, ...]) -> Rows:
    return {table: found for table, found in rows.items() if table not in tables}
