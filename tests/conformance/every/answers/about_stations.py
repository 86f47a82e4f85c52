"""Commands about stations: restarts, triggers, logs, configurations, passwords, local lists."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Token
from chargepoints.models import ChargePoint, Command, FirmwareUpdate, LogUpload
from chargepoints.serializers import CommandSerializer
from chargepoints.services.provisioning import passwords
from chargepoints.views.firmware_updates import FirmwareUpdateSerializer
from chargepoints.views.logs import LogSerializer
from configuration.models import DesiredValue, LocalList, ReportedKey
from configuration.serializers import DesiredValueSerializer, LocalListSerializer
from configuration.services.variables import desired
from events.models import Event
from ocpp_server import commanding
from ocpp_server.protocol.versions import V16, in_dialect
from ocpp_server.storage.journal import journal
from ocpp_server.transport import restarts
from tests.conformance.every.answers.bench import VALUE
from tests.conformance.every.answers.cases import Case, Shown, State, equal
from tests.conformance.every.answers.subjects import Subject, fields_of, of, shown

_PROFILES = "SupportedFeatureProfiles"


@of("reset")
class Resetting(Subject):
    """A reset waits for the boot."""

    async def check(self, case: Case, row: Command) -> None:
        is_restart = restarts.restarts(row.action, row.payload)
        waits = is_restart and row.state in (State.ACCEPTED, State.SENT, State.TIMEOUT)
        equal("the effect", row.effect, "waiting" if waits else "")

    async def again(self, case: Case, row: Command) -> dict[str, Any] | None:
        # A station that has dropped the connection has booted when it is connected again.
        case.notes["has_booted"] = row.state == State.SENT
        return case.fields

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        await case.station.boot()
        first, last = await case.rows(row.pk, second.command_id)
        waited = bool(row.effect)
        state = "accepted" if case.notes["has_booted"] else row.state
        equal("the first reset", (first.state, first.effect), (state, "seen" if waited else ""))
        is_restart = restarts.restarts(last.action, last.payload)
        equal("the second reset", (last.state, last.effect), ("accepted", "seen" if is_restart else ""))


@of("availability")
class Availability(Subject):
    """An answer that the station obeys is an event."""

    async def check(self, case: Case, row: Command) -> None:
        equal("the events", await self._events(case), int(row.state == State.ACCEPTED))

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        equal("the events", await self._events(case), int(row.state == State.ACCEPTED) + 1)

    @staticmethod
    async def _events(case: Case) -> int:
        rows = Event.objects.filter(station=case.station.row.identity, type="connector.availability_changed")
        return await journal.run(rows.count)


@of("trigger")
class Triggering(Subject):
    """A message that the station has not implemented is remembered until it sends it."""

    _CODES = ("NotImplemented", "NotSupported")

    async def check(self, case: Case, row: Command) -> None:
        equal("the effect", row.effect, "waiting" if row.state == State.ACCEPTED else "")
        is_missing = row.status == "NotImplemented" or row.error_code in self._CODES
        wanted = [f"{row.action}.Heartbeat"] if is_missing else []
        equal("the missing messages", await self._missing(case), wanted)

    async def again(self, case: Case, row: Command) -> dict[str, Any] | None:
        if await self._missing(case):
            refused = await case.send()
            sentence = f"The station has answered {row.action} for Heartbeat: NotImplemented."
            equal("the refusal", (refused.sentence, refused.error is None), (sentence, False))
        return case.fields | {"force": True}

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        equal("the missing messages", await self._missing(case), [])
        await case.station.device.call("Heartbeat", {})
        last = await case.row(second.command_id)
        equal("the effect", last.effect, "seen")
        equal("the effect that REST shows", CommandSerializer().get_effect(last)["state"], "seen")

    @staticmethod
    async def _missing(case: Case) -> list[str]:
        row = await journal.run(ChargePoint.objects.get, pk=case.pk)
        return list(row.missing_triggers or ())


@of("update-firmware")
class Updating(Subject):
    """Each request has a row of its own. A 1.6 station that does not know UpdateFirmware may take signed
    firmware only: that is remembered, and unsigned firmware is refused until its firmware changes.
    """

    async def check(self, case: Case, row: Command) -> None:
        ((state, fault, command),) = fields_of(await self._updates(case), "state", "fault", "commandId")
        equal("the command of the update", command, row.pk)
        is_open = row.state == State.ACCEPTED
        equal("whether the update goes on", state == "accepted", is_open)
        equal("whether it has a reason", bool(fault), not is_open)

    async def again(self, case: Case, row: Command) -> dict[str, Any] | None:
        is_unknown = row.error_code in ("NotImplemented", "NotSupported")
        if not (is_unknown and case.station.version == V16):
            return case.fields
        refused = await case.send()
        equal("whether it is refused", "does not know UpdateFirmware" in refused.sentence, True)
        return None

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        last = (await self._updates(case))[-1]
        equal("the second update", (last["state"], last["commandId"]), ("accepted", second.command_id))

    @staticmethod
    async def _updates(case: Case) -> list[dict[str, Any]]:
        rows = FirmwareUpdate.objects.filter(charge_point=case.pk).order_by("pk")
        return await shown(FirmwareUpdateSerializer, rows)


# -- logs ----------------------------------------------------------------------------------------------------


class Logs(Subject):
    """Each request has a row of its own."""

    _STATES = {State.ACCEPTED: "accepted", State.EMPTY: "rejected", State.REJECTED: "rejected"}  # noqa: RUF012

    async def check(self, case: Case, row: Command) -> None:
        state = self._STATES.get(State(row.state), "failed")
        equal("the logs", fields_of(await self._logs(case), "state", "commandId"), [(state, row.pk)])

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        first, last = await self._logs(case)
        # A 1.6 station without a file name has nothing to send.
        state = "rejected" if last["kind"] == "Diagnostics" else "accepted"
        equal("the second log", (last["state"], last["commandId"]), (state, second.command_id))
        equal("the command of the first log", first["commandId"], row.pk)

    @staticmethod
    async def _logs(case: Case) -> list[dict[str, Any]]:
        return await shown(LogSerializer, LogUpload.objects.filter(charge_point=case.pk).order_by("pk"))


of("get-diagnostics")(Logs)
of("get-log")(Logs)


# -- configurations ------------------------------------------------------------------------------------------


async def _reported(case: Case) -> dict[str, str | None]:
    rows = ReportedKey.objects.filter(charge_point=case.pk)
    return dict(await journal.run(lambda: list(rows.values_list("key", "value"))))


@of("get-configuration")
class Reading(Subject):
    """The values that the station reports are stored."""

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        (key,) = case.fields.get("keys", ["A"])
        equal("the reported value", (await _reported(case)).get(key), VALUE)
        equal("the value in the answer", second.body["data"]["configuration"][key]["value"], VALUE)


@of("change-configuration")
class Changing(Subject):
    """Only an accepted value counts as the station's."""

    async def check(self, case: Case, row: Command) -> None:
        stored = {case.fields["key"]: VALUE} if row.state == State.ACCEPTED else {}
        equal("the reported values", await _reported(case), stored)

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        equal("the reported values", await _reported(case), {case.fields["key"]: VALUE})


@of("apply-configuration")
class Applying(Subject):
    """A desired value shows why the station does not have it."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        key = in_dialect(case.station.version, "HeartbeatInterval", "OCPPCommCtrlr.HeartbeatInterval")
        await journal.run(desired.add, case.station.row, key=key, value=VALUE)
        return {}

    async def check(self, case: Case, row: Command) -> None:
        words = {
            "Accepted": "same",
            "RebootRequired": "pending-reboot",
            "NotSupported": "unknown-key",
            "UnknownComponent": "unknown-key",
            "UnknownVariable": "unknown-key",
        }
        is_answered = row.state in (State.ACCEPTED, State.REJECTED)
        state = words.get(row.status, "refused") if is_answered else "not-reported"
        ((found, reason),) = await self._desired(case)
        equal("the desired value", found, state)
        if row.outcome.reason and state in ("refused", "unknown-key"):
            equal("its reason", reason, row.outcome.reason)

    async def again(self, case: Case, row: Command) -> dict[str, Any] | None:
        ((state, _),) = await self._desired(case)
        if state in ("same", "pending-reboot"):
            refused = await case.send()
            equal("whether there is something to apply", refused.error is None, False)
            return None
        return case.fields

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        equal("the desired value", await self._desired(case), [("same", "")])

    @staticmethod
    async def _desired(case: Case) -> list[tuple[Any, ...]]:
        rows = DesiredValue.objects.filter(charge_point=case.pk).select_related("charge_point")
        serializer = DesiredValueSerializer(context={"prepared": {}})
        return fields_of(await shown(serializer, rows), "state", "reason")


@of("rotate-password")
class Passwords(Subject):
    """Both passwords are valid while the station may have either."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        await self._update(case, password_hash="present")
        return {}

    async def check(self, case: Case, row: Command) -> None:
        station = await journal.run(ChargePoint.objects.get, pk=case.pk)
        is_taken = row.status == "Accepted"
        is_refused = passwords.was_refused(row)
        equal("whether the present one stays", station.password_hash == "present", not is_taken)
        is_unproved = not (is_taken or is_refused)
        equal("whether both are valid", station.has_unproved_password, is_unproved)
        case.notes["is_unproved"] = is_unproved

    async def again(self, case: Case, row: Command) -> dict[str, Any] | None:
        if case.notes["is_unproved"]:
            refused = await case.send()
            equal("the refusal", getattr(refused.error, "code", ""), "password-unproved")
            # The station logs on with the present one, long after the command.
            await self._update(case, next_password_until=timezone.now() - timedelta(days=1))
            await journal.run(passwords.prove, case.pk, "present")
        return case.fields

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        station = await journal.run(ChargePoint.objects.get, pk=case.pk)
        found = station.password_hash == "present", station.has_unproved_password
        equal("whether the present one, and both, are valid", found, (False, False))
        equal("whether the new one is shown", "password" in second.body["data"], True)

    @staticmethod
    async def _update(case: Case, **columns: Any) -> None:
        await journal.run(lambda: ChargePoint.objects.filter(pk=case.pk).update(**columns))


# -- local lists ---------------------------------------------------------------------------------------------


@of("sync-local-list")
class Syncing(Subject):
    """A list that is not up to date has a reason, and is known again after the second attempt."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        await journal.run(lambda: Token.objects.get_or_create(uid="CARD", defaults={"type": Token.Type.RFID}))
        return {}

    async def check(self, case: Case, row: Command) -> None:
        ((state, reason, due_at, _),) = await self._lists(case)
        equal("whether the state is final", state in ("in_sync", "failed", "unsupported"), True)
        equal("whether there is a reason", bool(reason), state != "in_sync")
        equal("whether it is tried again", due_at is not None, state != "unsupported")
        if row.action == "SendLocalList":
            lacks = row.status == "NotSupported" or row.error_code in ("NotSupported", "NotImplemented")
            wanted = "in_sync" if row.state == State.ACCEPTED else "unsupported" if lacks else "failed"
            equal("the state", state, wanted)

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        ((state, reason, _, version),) = await self._lists(case)
        equal("the list", (state, reason, version), ("in_sync", "", case.station.list_version))

    async def again(self, case: Case, row: Command) -> dict[str, Any] | None:
        stored = await _reported(case)
        if "LocalAuthListManagement" not in (stored.get(_PROFILES) or "LocalAuthListManagement"):
            # The command is refused until the station reports something else.
            refused = await case.send()
            equal("whether the sentence names the key", _PROFILES in refused.sentence, True)
            equal("whether it is refused", refused.error is None, False)
            read = commanding.find("get-configuration")
            assert read is not None
            await case.usually(read, keys=[_PROFILES])
        return case.fields

    @staticmethod
    async def _lists(case: Case) -> list[tuple[Any, ...]]:
        rows = LocalList.objects.filter(charge_point=case.pk).select_related("charge_point")
        return fields_of(await shown(LocalListSerializer, rows), "state", "reason", "dueAt", "version")
