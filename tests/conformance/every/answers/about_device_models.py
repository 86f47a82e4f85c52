"""Commands about reports of variables and network profiles."""

from __future__ import annotations

from typing import Any

from chargepoints.models import Command, ReportAssembly
from configuration.models import NetworkProfile
from configuration.views.network import NetworkProfileSerializer
from ocpp_server.storage.journal import journal
from tests.conformance.every.answers.cases import Case, Shown, State, equal
from tests.conformance.every.answers.subjects import Subject, fields_of, of, shown


@of("get-base-report")
class BaseReports(Subject):
    """An accepted request promises a report, and is not sent again while it runs."""

    async def check(self, case: Case, row: Command) -> None:
        is_promised = row.state == State.ACCEPTED and row.status == "Accepted"
        equal("the reports", await self._reports(case), ["collecting"] * is_promised)

    async def again(self, case: Case, row: Command) -> dict[str, Any] | None:
        if not await self._reports(case):
            return case.fields
        refused = await case.send()
        equal("the refusal", getattr(refused.error, "code", ""), "state-conflict")
        return None

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        equal("the reports", await self._reports(case), ["collecting"])

    @staticmethod
    async def _reports(case: Case) -> list[str]:
        rows = ReportAssembly.objects.filter(charge_point=case.pk)
        return await journal.run(lambda: list(rows.values_list("state", flat=True)))


@of("set-network-profile")
class NetworkProfiles(Subject):
    """A profile is confirmed or refused by the answer; without one it stays wanted."""

    async def check(self, case: Case, row: Command) -> None:
        answered = {State.ACCEPTED: "confirmed", State.REJECTED: "refused"}
        state = answered.get(State(row.state), "wanted")
        equal("the profiles", await self._profiles(case), [(state, row.pk)])

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        equal("the profiles", (await self._profiles(case))[0], ("confirmed", second.command_id))

    @staticmethod
    async def _profiles(case: Case) -> list[tuple[Any, ...]]:
        rows = NetworkProfile.objects.filter(charge_point=case.pk).select_related("charge_point")
        found = fields_of(await shown(NetworkProfileSerializer, rows.order_by("-pk")), "state", "commandId")
        return [(state, str(command)) for state, command in found]
