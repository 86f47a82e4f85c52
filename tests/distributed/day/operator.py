"""The operator of the day: asks for commands until they were sent, and never for one twice that was sent."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import time
from dataclasses import dataclass, field
from typing import Any

from tests.distributed.cluster import Cluster
from tests.distributed.day.stations import DayStation
from tests.servers import LiveServer

# A process is replaced within this time, and a killed one is noticed.
GIVE_UP_S = 120.0
PAUSE_S = 0.25
FINAL = ("accepted", "partial", "empty", "rejected", "error", "timeout", "disconnected", "invalid", "late")


@dataclass
class Wish:
    """A command that was asked of a station. Of `requests`, the commands of all attempts, only the last
    one was sent.
    """

    station: DayStation
    command: str
    action: str
    requests: list[str] = field(default_factory=list)
    state: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def is_answered(self) -> bool:
        return self.state in ("accepted", "rejected", "error", "empty", "partial", "late")


class DayOperator:
    """A client of the REST API that uses any web process that answers."""

    def __init__(self, cluster: Cluster, webs: list[LiveServer]) -> None:
        self.cluster, self.webs = cluster, webs
        self.wishes: list[Wish] = []
        self._next = 0

    async def request(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Send a request until a web process answers it."""
        deadline = time.monotonic() + GIVE_UP_S
        while True:
            self._next += 1
            web = self.webs[self._next % len(self.webs)]
            try:
                return await asyncio.to_thread(web.request, method, path, body, **headers)
            except (OSError, http.client.HTTPException):
                assert time.monotonic() < deadline, f"no web process answers {method} {path}"
                await asyncio.sleep(PAUSE_S)

    async def post(self, path: str, body: Any, *, done: tuple[str, Any]) -> None:
        """Send a request with an effect until it is answered.

        `done` is a query that has a row afterwards, and its value. It decides where the first process was
        killed before it answered: its Idempotency-Key belongs to it for five minutes more.
        """
        deadline = time.monotonic() + GIVE_UP_S
        for attempt in itertools.count():
            key = f"{path} {attempt} {body}"[:255]
            status, answer = await self.request("POST", path, body, **{"Idempotency-Key": key})
            is_done = status == 409 and await asyncio.to_thread(self.cluster.rows, *done)
            if status in (200, 201, 202) or is_done:
                return
            assert status in (409, 429, 503) and time.monotonic() < deadline, (path, status, answer)
            await asyncio.sleep(PAUSE_S)

    async def add_token(self, uid: str) -> None:
        done = ("SELECT 1 FROM accounts_token WHERE uid = %s", uid)
        await self.post("/api/v1/tokens", {"uid": uid}, done=done)

    async def block_token(self, uid: str) -> None:
        done = ("SELECT 1 FROM accounts_token WHERE uid = %s AND status = 'blocked'", uid)
        await self.post(f"/api/v1/tokens/by-uid/{uid}/block", {}, done=done)

    async def ask(self, station: DayStation, command: str, action: str, body: dict[str, Any]) -> Wish:
        """Send a command to a station. Ask again only if the station has got nothing."""
        wish = Wish(station, command, action)
        self.wishes.append(wish)
        deadline = time.monotonic() + GIVE_UP_S
        while True:
            await self._attempt(wish, body)
            if wish.state and (wish.is_answered or station.got(wish.requests[-1])):
                return wish
            assert time.monotonic() < deadline, f"{command} did not reach {station.identity}: {wish.data}"
            if number := wish.data.get("reservationId"):
                body = {**body, "reservationId": number}
            await asyncio.sleep(PAUSE_S)

    async def _attempt(self, wish: Wish, body: dict[str, Any]) -> None:
        """Ask once. The state of the command is then in `wish`, or empty if there is none."""
        identity, since = wish.station.identity, time.time()
        key = f"{identity} {wish.command} {len(wish.requests)} {since}"
        path = f"/api/v1/chargepoints/{identity}/{wish.command}"
        status, answer = await self.request("POST", path, body, **{"Idempotency-Key": key})
        wish.data = answer.get("data") or {}
        request = wish.data.get("requestId") or await self._found(wish, since)
        assert request or status in (409, 429, 503), (identity, wish.command, status, answer)
        wish.state = ""
        if request and request not in wish.requests:
            wish.requests.append(request)
        if request:
            wish.state = await self._ended(request)

    async def _found(self, wish: Wish, since: float) -> str:
        """The id of the command, where the process died that was asked for it."""
        rows = self.cluster.rows(
            "SELECT d.id FROM chargepoints_command d JOIN chargepoints_chargepoint c"
            " ON c.id = d.charge_point_id WHERE c.identity = %s AND d.action = %s"
            " AND d.created_at >= to_timestamp(%s) ORDER BY d.created_at DESC LIMIT 1",
            wish.station.identity,
            wish.action,
            since,
        )
        return rows[0]["id"] if rows else ""

    async def _ended(self, request: str) -> str:
        """The final state of a command."""
        deadline = time.monotonic() + GIVE_UP_S
        while True:
            (row,) = self.cluster.rows("SELECT state FROM chargepoints_command WHERE id = %s", request)
            if row["state"] in FINAL:
                return str(row["state"])
            assert time.monotonic() < deadline, f"the command {request} does not end"
            await asyncio.sleep(PAUSE_S)
