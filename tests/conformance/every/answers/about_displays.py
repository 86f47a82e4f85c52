"""Commands whose rows have the id of the command: display messages, published firmware, battery swaps."""

from __future__ import annotations

from typing import Any

from accounts.models import Token
from chargepoints.models import BatterySwap, Command, DisplayMessage, PublishedFirmware
from chargepoints.serializers.battery_swap import BatterySwapSerializer
from chargepoints.serializers.display import DisplayMessageSerializer
from chargepoints.serializers.publishing import PublishedFirmwareSerializer
from ocpp_server.storage.journal import journal
from tests.conformance.every.answers.cases import Case, Shown, State, equal
from tests.conformance.every.answers.subjects import Subject, fields_of, of, shown


class _Rows(Subject):
    """Each request has a row. `accepted` is its state after the usual answer, `refused` after a refusal and
    `silent` without an answer.
    """

    model: Any
    serializer: Any
    accepted: str
    refused: str
    silent: str

    async def check(self, case: Case, row: Command) -> None:
        ((state, reason),) = await self._rows(case)
        wanted = {State.ACCEPTED: self.accepted, State.REJECTED: self.refused, State.ERROR: self.refused}
        equal("the state", state, wanted.get(State(row.state), self.silent))
        equal("whether there is a reason", bool(reason), state == self.refused)

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        *_, (state, reason) = await self._rows(case)
        equal("the second one", (state, reason), (self.accepted, ""))
        keys = await journal.run(lambda: set(self._of(case).values_list("pk", flat=True)))
        equal("the keys", keys, {row.pk, second.command_id})

    def _of(self, case: Case) -> Any:
        return self.model.objects.filter(charge_point=case.pk).order_by("created_at")

    async def _rows(self, case: Case) -> list[tuple[Any, ...]]:
        return fields_of(await shown(self.serializer, self._of(case)), "state", "reason")


@of("set-display-message")
class Displaying(_Rows):
    """A message that the station may have is known as such."""

    model, serializer = DisplayMessage, DisplayMessageSerializer
    accepted, refused, silent = "confirmed", "refused", "unanswered"


@of("publish-firmware")
class Publishing(_Rows):
    """A request without an answer may still lead to notifications."""

    model, serializer = PublishedFirmware, PublishedFirmwareSerializer
    accepted, refused, silent = "accepted", "rejected", "unanswered"


@of("request-battery-swap")
class Swapping(_Rows):
    """A request waits for the batteries, also without an answer: they may still come."""

    model, serializer = BatterySwap, BatterySwapSerializer
    accepted, refused, silent = "requested", "rejected", "requested"

    async def prepare(self, case: Case) -> dict[str, Any]:
        await journal.run(lambda: Token.objects.get_or_create(uid="SWAP", defaults={"type": Token.Type.RFID}))
        return {"idTag": "SWAP"}
