"""Commands about charging: remote starts and stops, reservations, charging profiles."""

from __future__ import annotations

from typing import Any

from chargepoints.models import Command
from ocpp_server import commanding
from ocpp_server.storage.journal import journal
from smart_charging.live import INSTALLED, PLANS
from smart_charging.models import ChargingPlan, DerControl, InstalledProfile
from smart_charging.serializers import (
    ChargingPlanSerializer,
    DerControlSerializer,
    InstalledProfileSerializer,
)
from tests.conformance.every.answers.cases import Case, Shown, State, equal
from tests.conformance.every.answers.subjects import Subject, fields_of, of, shown
from tests.direct.messages import present
from transactions.live.reservations import RESERVATIONS
from transactions.models import RemoteStart, Reservation
from transactions.serializers import ReservationSerializer


def _command(name: str) -> commanding.OperatorCommand:
    found = commanding.find(name)
    assert found is not None
    return found


@of("remote-start")
class RemoteStarts(Subject):
    """A remote start waits for its session."""

    async def check(self, case: Case, row: Command) -> None:
        outcome = {State.ACCEPTED: "waiting", State.REJECTED: "refused"}.get(State(row.state))
        equal("the outcomes", await _outcomes(case), [] if outcome is None else [outcome])

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        before = await _outcomes(case)
        asked = case.station.calls[-1].payload
        token = asked["idTag"] if case.station.device.is_16 else asked["idToken"]["idToken"]
        remote = present(remote_start=asked.get("remoteStartId"))
        if case.station.device.is_16:
            await case.station.device.start(token)
        else:
            await case.station.device.event(
                "Started", "T1", uid=token, evse=1, trigger="RemoteStart", **remote
            )
        after = await _outcomes(case)
        # In 1.6 the first one that fits has led to the session: they are alike.
        equal("the number of starts that led to it", after.count("started"), 1)
        equal("the number of remote starts", len(after), len(before))


async def _outcomes(case: Case) -> list[str]:
    rows = RemoteStart.objects.filter(charge_point=case.pk).order_by("id")
    return await journal.run(lambda: list(rows.values_list("outcome", flat=True)))


@of("remote-stop")
class RemoteStops(Subject):
    """Only the station ends a session."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        case.notes["session"] = await case.station.device.start("CARD")
        row = await case.station.device.only_session()
        return {"transactionId": row.pk}

    async def check(self, case: Case, row: Command) -> None:
        equal("whether the session runs", await self._runs(case), True)

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        await case.station.device.stop(case.notes["session"], meter_wh=10, reason="Remote")
        equal("whether the session runs", await self._runs(case), False)

    @staticmethod
    async def _runs(case: Case) -> bool:
        return (await case.station.device.only_session()).is_active


# -- reservations --------------------------------------------------------------------------------------------

_REFUSED = {"Faulted": "faulted", "Occupied": "occupied", "Unavailable": "unavailable"}


@of("reserve")
class Reserving(Subject):
    """One that the station did not accept is sent again under its number."""

    async def check(self, case: Case, row: Command) -> None:
        wanted = {
            State.ACCEPTED: ("accepted", ""),
            State.REJECTED: ("refused", _REFUSED.get(row.status, "rejected")),
            State.ERROR: ("refused", "error"),
            State.TIMEOUT: ("unanswered", "silent"),
            State.DISCONNECTED: ("unanswered", "silent"),
            State.INVALID: ("unanswered", "invalid"),
        }[State(row.state)]
        (one,) = await _reservations(case)
        equal("the reservation", (one["state"], one["reason"], one["requestId"]), (*wanted, row.pk))
        held = [held.number for held in RESERVATIONS.of(case.station.connection.station).held]
        is_held = wanted[0] == "accepted"
        equal("the reservations of the live station", held, [one["reservationId"]] if is_held else [])

    async def again(self, case: Case, row: Command) -> dict[str, Any] | None:
        if row.state == State.ACCEPTED:
            await case.usually(
                _command("cancel-reservation"),
                reservationId=(await _reservations(case))[0]["reservationId"],
            )
            return case.fields
        case.notes["number"] = (await _reservations(case))[0]["reservationId"]
        return case.fields | {"reservationId": case.notes["number"]}

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        newest = (await _reservations(case))[-1]
        equal(
            "the reservation after the second attempt", (newest["state"], newest["reason"]), ("accepted", "")
        )
        equal("its number", newest["reservationId"], case.notes.get("number", newest["reservationId"]))
        held = [held.number for held in RESERVATIONS.of(case.station.connection.station).held]
        equal("the reservations of the live station", held, [newest["reservationId"]])


@of("cancel-reservation")
class Cancelling(Subject):
    """A reservation stays until the station has answered."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        sent = await case.usually(_command("reserve"), idTag="CARD", connectorId=1)
        return {"reservationId": sent.body["data"]["reservationId"]}

    async def check(self, case: Case, row: Command) -> None:
        wanted = {State.ACCEPTED: ("cancelled", ""), State.REJECTED: ("ended", "unknown")}
        state = wanted.get(State(row.state), ("accepted", ""))
        (one,) = await _reservations(case)
        found = one["state"], one["reason"], one["cancelRequestId"]
        equal("the reservation", found, (*state, row.pk))

    async def again(self, case: Case, row: Command) -> dict[str, Any] | None:
        return None if row.state == State.ACCEPTED else case.fields

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        (one,) = await _reservations(case)
        state = "ended" if row.state == State.REJECTED else "cancelled"
        equal("the reservation", (one["state"], one["cancelRequestId"]), (state, second.command_id))


async def _reservations(case: Case) -> list[dict[str, Any]]:
    rows = Reservation.objects.filter(charge_point=case.pk).select_related("charge_point").order_by("id")
    return await shown(ReservationSerializer, rows)


# -- charging profiles ---------------------------------------------------------------------------------------


@of("set-charging-profile")
class Setting(Subject):
    """Only an accepted profile is installed."""

    async def check(self, case: Case, row: Command) -> None:
        installed = [("installed",)] if row.state == State.ACCEPTED else []
        equal("the profiles", fields_of(await _profiles(case), "state"), installed)

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        before = [("replaced",)] if row.state == State.ACCEPTED else []
        equal("the profiles", fields_of(await _profiles(case), "state"), [*before, ("installed",)])
        equal("those of the live station", len(INSTALLED.of(case.station.connection.station)), 1)


@of("clear-charging-profile")
class Clearing(Subject):
    """A profile stays until the station has answered."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        periods = [{"startPeriod": 0, "limit": 16}]
        await case.usually(
            _command("set-charging-profile"),
            chargingProfilePurpose="TxDefaultProfile",
            chargingSchedulePeriod=periods,
            connectorId=1,
        )
        return {}

    async def check(self, case: Case, row: Command) -> None:
        state = {State.ACCEPTED: "cleared", State.EMPTY: "missing"}.get(State(row.state), "installed")
        equal("the profiles", fields_of(await _profiles(case), "state"), [(state,)])

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        state = "missing" if row.state == State.EMPTY else "cleared"
        equal("the profiles", fields_of(await _profiles(case), "state"), [(state,)])


async def _profiles(case: Case) -> list[dict[str, Any]]:
    rows = InstalledProfile.objects.filter(charge_point=case.pk).order_by("installed_at")
    return await shown(InstalledProfileSerializer, rows.select_related("charge_point"))


@of("update-dynamic-schedule")
class Updating(Subject):
    """The values of a dynamic profile change with the answer."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        await case.usually(
            _command("set-charging-profile"),
            chargingProfilePurpose="TxDefaultProfile",
            chargingProfileKind="Dynamic",
            chargingSchedulePeriod=[{"startPeriod": 0, "limit": 6}],
            connectorId=1,
        )
        return {}

    async def check(self, case: Case, row: Command) -> None:
        await self._has(case, 16 if row.state == State.ACCEPTED else 6)

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        await self._has(case, 16)

    @staticmethod
    async def _has(case: Case, limit: float) -> None:
        (shown,) = await _profiles(case)
        (held,) = INSTALLED.of(case.station.connection.station)
        equal("the limit now", (shown["scheduleUpdate"], held.dynamic), ({"limit": limit}, {"limit": limit}))


# -- sessions ------------------------------------------------------------------------------------------------


class _OfSession(Subject):
    """A command about a running session."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        await case.station.device.start("CARD")
        return {"transactionId": (await case.station.device.only_session()).pk}


@of("use-priority-charging")
class Priority(_OfSession):
    """The session has priority once the station has accepted it."""

    async def check(self, case: Case, row: Command) -> None:
        expected = [(True,)] if row.state == State.ACCEPTED else []
        equal("the priority", fields_of(await _plans(case), "hasPriority"), expected)

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        equal("the priority", fields_of(await _plans(case), "hasPriority"), [(True,)])


@of("notify-allowed-energy-transfer")
class Allowing(_OfSession):
    """The transfers count once the station has accepted them."""

    async def check(self, case: Case, row: Command) -> None:
        transfers = case.fields["allowedEnergyTransfer"]
        is_allowed = row.state == State.ACCEPTED
        shown = fields_of(await _plans(case), "allowedEnergyTransfer")
        equal("the allowed transfers", shown, [(transfers,)] if is_allowed else [])
        held = [plan.allowed for plan in PLANS.of(case.station.connection.station).values()]
        equal("those of the live station", held, [tuple(transfers)] if is_allowed else [])

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        equal("the number of plans", len(await _plans(case)), 1)


async def _plans(case: Case) -> list[dict[str, Any]]:
    return await shown(ChargingPlanSerializer, ChargingPlan.objects.filter(charge_point=case.pk))


# -- DER controls --------------------------------------------------------------------------------------------


@of("set-der-control")
class Controlling(Subject):
    """Only an accepted control is there."""

    async def check(self, case: Case, row: Command) -> None:
        expected = [("accepted",)] if row.state == State.ACCEPTED else []
        equal("the controls", fields_of(await _controls(case), "state"), expected)

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        equal("the last control", (await _controls(case))[0]["state"], "accepted")


@of("clear-der-control")
class Uncontrolling(Subject):
    """A control stays until the station has answered."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        example = next(
            field.example for field in _command("set-der-control").fields if field.name == "settings"
        )
        await case.usually(
            _command("set-der-control"), controlType="FreqDroop", settings=example, isDefault=True
        )
        return {}

    async def check(self, case: Case, row: Command) -> None:
        state = {State.ACCEPTED: "cleared", State.EMPTY: "missing"}.get(State(row.state), "accepted")
        equal("the controls", fields_of(await _controls(case), "state"), [(state,)])

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        state = "missing" if row.state == State.EMPTY else "cleared"
        equal("the controls", fields_of(await _controls(case), "state"), [(state,)])


async def _controls(case: Case) -> list[dict[str, Any]]:
    rows = DerControl.objects.filter(charge_point=case.pk).order_by("-updated_at")
    return await shown(DerControlSerializer, rows)
