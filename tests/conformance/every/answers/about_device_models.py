"""Commands about reports of variables and network profiles."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from chargepoints.models import ChargePoint, Command, ReportAssembly, SecurityProfileChange
from chargepoints.services.provisioning.passwords import was_refused
from configuration.commands.variables.security_profiles import go_on
from configuration.models import NetworkProfile, ReportedKey
from configuration.services.network import upgrading
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


@of("upgrade-security-profile")
class SecurityProfiles(Subject):
    """Both profiles are admitted while the station may have either."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        def make() -> None:
            ChargePoint.objects.filter(pk=case.pk).update(security_profile=1, password_hash="present")
            ReportedKey.objects.get_or_create(
                charge_point_id=case.pk,
                key=upgrading.PRIORITY,
                defaults={"value": "1", "reported_at": timezone.now()},
            )

        await journal.run(make)
        return {}

    async def check(self, case: Case, row: Command) -> None:
        ((profile, following, state),) = await self._changes(case)
        is_open = state in ("awaited", "restarting")
        equal("the profile", (profile, following), (1, 2 if is_open else None))
        if row.state == State.ACCEPTED:
            equal("the state", state, "awaited")
        if row.action != "Reset":
            equal("whether it is refused", state == "refused", was_refused(row))

    async def again(self, case: Case, row: Command) -> dict[str, Any] | None:
        # As the job does: a station that dropped its socket has booted by now.
        own = SecurityProfileChange.objects.filter(charge_point=case.pk)
        for pk in await journal.run(lambda: list(own.values_list("pk", flat=True))):
            await go_on(pk)
        return case.fields

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        equal("the last change", (await self._changes(case))[-1], (1, 2, "awaited"))

    @staticmethod
    async def _changes(case: Case) -> list[tuple[Any, ...]]:
        rows = SecurityProfileChange.objects.filter(charge_point=case.pk).order_by("pk")
        names = ("charge_point__security_profile", "charge_point__next_security_profile", "state")
        return await journal.run(lambda: list(rows.values_list(*names)))
