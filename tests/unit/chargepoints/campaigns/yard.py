"""A kind of campaign without sockets: it stores commands as `calls.call` does, and the test answers them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from chargepoints.models import Campaign, CampaignStation, ChargePoint, Command
from chargepoints.services import commands
from chargepoints.services.campaigns import driving, planning
from chargepoints.services.campaigns.command import results_of
from chargepoints.services.campaigns.kinds import Arguments, Result
from ocpp_server.credentials import Role
from ocpp_server.observability import tracing
from ocpp_server.storage.journal import journal

Run = Callable[..., Awaitable[Any]]


class Killed(BaseException):
    """The process ends here: nothing catches it."""


class Yard:
    """`on` maps a station's identity to what happens when it is sent to: before the command is stored
    (False), and after it (True).
    """

    name, title = "yard", "Yard"

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.on: dict[tuple[str, bool], Callable[[], Any]] = {}
        self.known: dict[str, Result] = {}

    def check(self, arguments: Arguments) -> dict[str, Any]:
        return dict(arguments)

    def role(self, arguments: Arguments) -> Role:
        return Role.OPERATOR

    def masked(self, arguments: Arguments) -> dict[str, Any]:
        return {**arguments, **({"secret": "***"} if "secret" in arguments else {})}

    def sentence(self, arguments: Arguments) -> str:
        return "Yard"

    async def begin(self, charge_point: ChargePoint, arguments: Arguments, *, actor: str) -> Result | None:
        if charge_point.identity in self.known:
            return self.known[charge_point.identity]
        self._happens(charge_point, False)
        now = datetime.now(UTC)
        await journal.run(
            commands.create,
            charge_point,
            id=tracing.command_id(),
            action="Reset",
            payload={},
            actor=actor,
            created_at=now,
            deadline_at=now + timedelta(seconds=30),
        )
        self.sent.append(charge_point.identity)
        self._happens(charge_point, True)
        return None

    def _happens(self, charge_point: ChargePoint, is_stored: bool) -> None:
        self.on.get((charge_point.identity, is_stored), lambda: None)()

    def results(self, rows: Sequence[CampaignStation]) -> Mapping[int, Result]:
        return results_of(rows)


def raising(error: BaseException) -> Callable[[], None]:
    def happens() -> None:
        raise error

    return happens


def make(count: int = 3, *, is_online: bool = True, **options: Any) -> Campaign:
    """A campaign of the kind yard for the stations CP-1, CP-2, ..."""
    names = [f"CP-{number}" for number in range(1, count + 1)]
    for name in names:
        ChargePoint.objects.get_or_create(
            identity=name,
            defaults={"is_online": is_online, "ocpp_version": "ocpp1.6", "registration_status": "Accepted"},
        )
    usual: dict[str, Any] = {
        "name": "c",
        "kind": "yard",
        "arguments": {},
        "actor": "ann",
        "has_canary": False,
    }
    return planning.create(**usual | {"stations": {"client_ids": names}} | options)


def answer(state: str = "accepted", *identities: str, **columns: Any) -> None:
    """End the open commands, of all stations or of some, as the answers of the stations do."""
    rows = Command.objects.filter(state="queued")
    if identities:
        rows = rows.filter(charge_point__identity__in=identities)
    rows.update(state=state, finished_at=datetime.now(UTC), **columns)


def rows(campaign: Campaign) -> dict[str, str]:
    """The states of the campaign's stations, by identity, with the reason if there is one."""
    found = campaign.stations.values_list("charge_point__identity", "state", "reason")
    return {name: f"{state} {reason}".strip() for name, state, reason in found}


def later(campaign: Campaign, **columns: Any) -> None:
    """Change columns of the rows, such as times, as if time had passed."""
    campaign.stations.update(**columns)


async def go_on(run: Run, state: str = "accepted", **columns: Any) -> None:
    """One run of housekeeping, the answers, and the run that reads them."""
    await driving.drive()
    await run(answer, state, **columns)
    await driving.drive()
