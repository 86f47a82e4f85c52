"""Set a charging profile (1.6 5.16; 2.x K01-K05)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from ocpp_server import command_fields as fields
from ocpp_server import live
from ocpp_server.command_fields import Label
from ocpp_server.commanding import Rest, command
from ocpp_server.domain import Invalid, StationOffline
from ocpp_server.protocol import translate
from ocpp_server.protocol.translate import ChargingProfile
from ocpp_server.protocol.translate.charging_profiles import DYNAMIC, TX
from ocpp_server.protocol.versions import VERSIONS
from ocpp_server.storage.journal import journal
from ocpp_server.transport.command_store import Addressee
from smart_charging.commands.smart_charging.common import NEEDS, evse_field, purpose_field
from smart_charging.services.smart_charging import abilities, checking, reading
from transactions.models import Transaction
from transactions.services.transactions.lookups import to_stop

# The names of the arguments in the API, as far as they belong to the profile.
_NAMES = {
    "purpose": "chargingProfilePurpose",
    "stack_level": "stackLevel",
    "unit": "chargingRateUnit",
    "periods": reading.PERIODS,
    "kind": "chargingProfileKind",
    "start": "startSchedule",
    "recurrency": "recurrencyKind",
    "duration_s": "duration",
    "least": "minChargingRate",
    "valid_from": "validFrom",
    "valid_to": "validTo",
    "profile_id": "chargingProfileId",
    "update_interval_s": "dynUpdateInterval",
    "uses_local_time": "useLocalTime",
    "random_delay_s": "randomizedDelay",
    "limit_at_soc": "limitAtSoC",
    "offline_s": "maxOfflineDuration",
    "ends_offline": "invalidAfterOfflineDuration",
}


def _read(arguments: Mapping[str, Any]) -> ChargingProfile:
    given = {name: arguments.get(argument) for argument, name in _NAMES.items()}
    # A flag that is not set is left out: it would be refused where the version does not have it.
    return reading.read(
        {name: value for name, value in given.items() if value is not False}, at=datetime.now(UTC)
    )


async def _check_profile(
    charge_point: ChargePoint,
    *,
    evse_number: int | None = None,
    transaction: Transaction | int | str | None = None,
    **rest: Any,
) -> dict[str, Any]:
    """Find the session of a TxProfile, check the profile, and number it. Raises Invalid, Conflict, Missing,
    StationOffline.
    """
    profile = _read(rest)
    if not live.state().is_connected(charge_point.identity) or charge_point.ocpp_version not in VERSIONS:
        raise StationOffline(f"{charge_point.identity} is known but offline.")
    found: dict[str, Any] = {}
    if profile.purpose == TX:
        session = await _session(charge_point, evse_number, transaction)
        evse_number, found = session.evse_number, {"transaction": session}
    elif transaction is not None:
        raise Invalid("Only a TxProfile belongs to a session.", field="transactionId")
    evse = evse_number or 0
    checked = await journal.run(checking.check, charge_point, profile, evse=evse)
    return {**rest, **found, "evse_number": evse, "profile_id": checked.id}


async def _session(
    charge_point: ChargePoint, evse: int | None, reference: Transaction | int | str | None
) -> Transaction:
    """The running session that a TxProfile limits: the named one, or the one at the EVSE (16-057)."""
    if reference is None:
        if not evse:
            raise Invalid("A TxProfile needs its session, or the EVSE of it.", field="transactionId")
        return await journal.run(checking.running, charge_point, evse)
    session = reference
    if not isinstance(session, Transaction):
        session = await journal.run(to_stop, session, charge_point)
    if not session.is_active:
        raise Invalid("The session has ended.", field="transactionId")
    if not session.evse_number or evse not in (None, 0, session.evse_number):
        raise Invalid(f"The session is at EVSE {session.evse_number or '?'}.", field="connectorId")
    return session


def _spell_set_16(
    *, evse_number: int = 0, transaction: Transaction | None = None, **arguments: Any
) -> dict[str, Any]:
    profile = _read(arguments)
    if transaction is not None:
        profile = replace(profile, transaction_id=str(transaction.number_at_station))
    return {"connectorId": evse_number, "csChargingProfiles": translate.charging_profile_16(profile)}


def _spell_set_2x(
    *, evse_number: int = 0, transaction: Transaction | None = None, **arguments: Any
) -> dict[str, Any]:
    profile = _read(arguments)
    if transaction is not None:
        profile = replace(profile, transaction_id=transaction.ocpp_id)
    return {"evseId": evse_number, "chargingProfile": translate.charging_profile_2x(profile)}


def _warn_set(
    charge_point: ChargePoint, *, evse_number: int = 0, transaction: Any = None, **arguments: Any
) -> str:
    return checking.doubts(charge_point, _read(arguments), evse=evse_number)


_KINDS: tuple[tuple[str, Label], ...] = (
    ("Absolute", _("At a time")),
    ("Relative", _("With each session")),
    ("Recurring", _("Every day or week")),
)


def _kinds(field: fields.Choice, charge_point: Addressee) -> fields.Choice:
    version = charge_point.ocpp_version
    is_dynamic = version in VERSIONS and DYNAMIC in abilities.kinds(version)
    return replace(field, choices=(*_KINDS, (DYNAMIC, _("Now, and changes later")))) if is_dynamic else field


def _of_21(field: fields.Field, charge_point: Addressee) -> fields.Field | None:
    """The field at a station whose version has it."""
    version = charge_point.ocpp_version
    return field if version in VERSIONS and field.name in abilities.fields(version) else None


_TIME = _("A time such as 2026-11-28T10:00:00Z.")

SET_CHARGING_PROFILE = command(
    "set-charging-profile",
    _("Set charging profile"),
    _("Limit the power of a session, of every session, or of the whole station."),
    action="SetChargingProfile",
    icon="speed",
    position=110,
    fields=(
        purpose_field(required=True),
        evse_field(),
        fields.Json(
            "periods",
            _("Limits over time"),
            name=reading.PERIODS,
            required=True,
            example=[{"startPeriod": 0, "limit": 16, "numberPhases": 3}],
            help=_(
                "A list of periods: startPeriod in seconds, limit in the unit below, numberPhases if not 3. "
                "1.6 stations get limits with one decimal, rounded down."
            ),
        ),
        fields.Choice(
            "unit",
            _("Unit"),
            name="chargingRateUnit",
            choices=(("A", _("A, on each phase")), ("W", _("W, in all"))),
            default="A",
        ),
        fields.Whole("stack_level", _("Stack level"), default=0, help=_("The higher level counts.")),
        fields.Transaction(
            "transaction",
            _("Session"),
            name="transactionId",
            help=_("Of a TxProfile; the session that runs at the EVSE unless given."),
        ),
        fields.Choice(
            "kind",
            _("Begins"),
            name="chargingProfileKind",
            choices=_KINDS,
            also=(DYNAMIC,),
            default="Absolute",
            adapt=_kinds,
        ),
        fields.Text(
            "start",
            _("Begin"),
            name="startSchedule",
            most=40,
            example="2026-11-28T10:00:00Z",
            help=_("A time such as 2026-11-28T10:00:00Z. An absolute schedule begins now unless given."),
        ),
        fields.Choice(
            "recurrency",
            _("Recurs"),
            name="recurrencyKind",
            choices=(("Daily", _("Daily")), ("Weekly", _("Weekly"))),
        ),
        fields.Whole(
            "duration_s", _("Duration in s"), name="duration", least=1, help=_("No end unless given.")
        ),
        fields.Json(
            "least",
            _("Lowest useful rate"),
            name="minChargingRate",
            lines=1,
            example=6,
            help=_("Below this limit charging is inefficient."),
        ),
        fields.Text(
            "valid_from",
            _("Valid from"),
            name="validFrom",
            most=40,
            example="2026-11-28T10:00:00Z",
            help=_TIME,
        ),
        fields.Text(
            "valid_to", _("Valid until"), name="validTo", most=40, example="2036-11-28T10:00:00Z", help=_TIME
        ),
        fields.Whole(
            "profile_id",
            _("Profile ID"),
            name="chargingProfileId",
            least=1,
            help=_("That of the profile it replaces, or a new one unless given."),
        ),
        fields.Whole(
            "update_interval_s",
            _("Update interval in s"),
            name="dynUpdateInterval",
            least=1,
            help=_(
                "Of a dynamic profile (2.1): the station asks for its limits that often, or the server sends "
                "them."
            ),
            adapt=_of_21,
        ),
        fields.Flag(
            "uses_local_time",
            _("In local time"),
            name="useLocalTime",
            example=True,
            help=_("The times of the schedule are those of the station's time zone (2.1)."),
            adapt=_of_21,
        ),
        fields.Whole(
            "random_delay_s",
            _("Random delay in s"),
            name="randomizedDelay",
            help=_("The station delays each change by up to that long (2.1)."),
            adapt=_of_21,
        ),
        fields.Json(
            "limit_at_soc",
            _("Limit of a full battery"),
            name="limitAtSoC",
            lines=1,
            example={"soc": 80, "limit": 6},
            help=_("From this state of charge in % on, the limit is lower (2.1)."),
            adapt=_of_21,
        ),
        fields.Whole(
            "offline_s",
            _("Longest time offline in s"),
            name="maxOfflineDuration",
            least=1,
            help=_("The station ignores the profile when it is offline for longer (2.1)."),
            adapt=_of_21,
        ),
        fields.Flag(
            "ends_offline",
            _("Ends offline"),
            name="invalidAfterOfflineDuration",
            example=True,
            help=_("After that time offline the profile is deleted (2.1)."),
            adapt=_of_21,
        ),
    ),
    prepare=_check_profile,
    warn=_warn_set,
    spell_16=_spell_set_16,
    spell_2x=_spell_set_2x,
    needs=NEEDS,
    rest=Rest(
        description="The profile is checked before it is sent: against the rules of OCPP, the limits that "
        "the station reports (stack level, unit, number of periods and profiles), its sessions, and the "
        "profiles it has. A profile of the same purpose, stack level and EVSE is replaced. "
        "`GET .../charging-profiles` has what is installed. A period of a 2.1 station takes the fields of "
        "its operationMode too, such as setpoint, dischargeLimit and v2xFreqWattCurve. Profiles with several "
        "schedules or prices are sent by `POST .../commands`.",
    ),
)
