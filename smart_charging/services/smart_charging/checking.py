"""Check a charging profile against the station: its reports, its sessions, and the profiles that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chargepoints.models import ChargePoint
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code
from ocpp_server.protocol import translate
from ocpp_server.protocol.translate import ChargingProfile
from ocpp_server.protocol.translate.charging_profiles import DYNAMIC, UPDATED
from ocpp_server.protocol.versions import in_dialect
from ocpp_server.transport.command_store import Addressee
from smart_charging.models import InstalledProfile
from smart_charging.models.installed_profile import OUR_SOURCE
from smart_charging.services.smart_charging import abilities, reading_21, rules, rules_21
from smart_charging.services.smart_charging.abilities import Abilities
from smart_charging.services.smart_charging.rules import Standing
from transactions.models import Transaction

_SET, _UPDATE = "SetChargingProfile", "scheduleUpdate"
_PRESENT = (InstalledProfile.State.INSTALLED, InstalledProfile.State.UNVERIFIED)
_NOT_SUPPORTED = "NotSupported"


def standing(charge_point_pk: int) -> list[Standing]:
    """The profiles that the station has."""
    rows = InstalledProfile.objects.current().filter(charge_point=charge_point_pk, source=OUR_SOURCE)
    found = []
    for row in rows.exclude(state=InstalledProfile.State.WAITING):
        profile = translate.charging_profile(row.payload)
        found.append(
            Standing(
                id=row.profile_id,
                evse=row.evse_number,
                purpose=row.purpose,
                stack_level=row.stack_level,
                valid_from=profile.valid_from,
                valid_to=profile.valid_to,
            )
        )
    return found


def check(
    charge_point: Addressee, profile: ChargingProfile, *, evse: int | None, below: str = ""
) -> ChargingProfile:
    """The profile with its id. Raises Invalid with the wrong fields, `below` in front of their names, and
    Conflict where other profiles of the station are in the way.
    """
    can = abilities.of(charge_point.pk, charge_point.ocpp_version)
    check_rules(profile, can, evse=evse, below=below)
    present = standing(charge_point.pk)
    above = can.highest_external_id
    if profile.id and profile.id <= above:
        raise Invalid(
            f"Must be above {above}: the station uses lower ids itself.", field=f"{below}chargingProfileId"
        )
    profile = replace(profile, id=rules.number(profile, evse=evse, standing=present, above=above))
    other = rules.competitor(profile, evse=evse, standing=present)
    if other is not None and can.has_unique_levels:
        raise Conflict(
            f"Profile {other.id} has the same purpose and stack level there. Clear it first, send its "
            "chargingProfileId to replace it, or use another level."
        )
    kept = [one for one in present if not rules.is_replaced(one, profile, evse=evse)]
    if can.max_profiles is not None and len(kept) >= can.max_profiles:
        raise Conflict(
            f"The station takes {can.max_profiles} profiles and has {len(kept)}. Clear one first.",
            code=Code.LIMIT_REACHED,
        )
    return profile


def check_rules(profile: ChargingProfile, can: Abilities, *, evse: int | None, below: str = "") -> None:
    """Raise Invalid with the fields that are wrong for a station with these abilities."""
    wrong = rules.problems(profile, evse=evse, abilities=can, now=datetime.now(UTC))
    if wrong:
        raise Invalid(
            "The charging profile is not valid.",
            errors=[{"field": f"{below}{field}", "reason": str(reason)} for field, reason in wrong],
        )


def is_installed(charge_point: ChargePoint, profile: ChargingProfile, *, evse: int) -> bool:
    """Whether the station has this profile, whatever its id if none is wanted. One that it may have lost does
    not count.
    """
    spell = in_dialect(
        charge_point.ocpp_version, translate.charging_profile_16, translate.charging_profile_2x
    )
    rows = InstalledProfile.objects.filter(
        charge_point=charge_point,
        state=InstalledProfile.State.INSTALLED,
        evse_number=evse,
        purpose=profile.purpose,
        stack_level=profile.stack_level,
        source=OUR_SOURCE,
    )
    if profile.id:
        rows = rows.filter(profile_id=profile.id)
    return any(row.payload == spell(replace(profile, id=row.profile_id)) for row in rows)


def check_update(charge_point: ChargePoint, profile_id: int, update: Mapping[str, Any]) -> dict[str, float]:
    """The checked values for a dynamic profile (2.1 K28). Raises Invalid, and Conflict where the station has
    no dynamic profile with this id.
    """
    known = {name: reading_21.PERIOD.get(name, reading_21.LIMIT) for name in UPDATED}
    errors, values = [], {}
    for name, value in update.items():
        values[name], reason = known[name](value) if name in known else (None, _unknown(known))
        if reason:
            errors.append({"field": f"{_UPDATE}.{name}", "reason": reason})
    if not errors:
        errors = [{"field": f"{_UPDATE}.{name}", "reason": reason} for name, reason in rules_21.order(values)]
    if errors or not values:
        raise Invalid("The update is not valid.", errors=errors, field="" if errors else _UPDATE)
    rows = InstalledProfile.objects.filter(
        charge_point=charge_point, profile_id=profile_id, source=OUR_SOURCE, kind=DYNAMIC
    )
    if not rows.filter(state__in=_PRESENT).exists():
        raise Conflict(f"The station has no dynamic profile {profile_id}: set one first.")
    return values


def _unknown(known: Mapping[str, Any]) -> str:
    return f"Unknown; known are {', '.join(known)}."


def running(charge_point: ChargePoint, evse: int) -> Transaction:
    """The newest running session of an EVSE. Raises Conflict without one."""
    rows = Transaction.objects.active().filter(charge_point=charge_point, evse_number=evse)
    found = rows.order_by("-pk").first()
    if found is None:
        raise Conflict(f"No session is running at EVSE {evse}: a TxProfile needs one.")
    return found


def doubts(charge_point: ChargePoint, profile: ChargingProfile, *, evse: int) -> str:
    """Sentences about what will probably go wrong with a valid profile; empty if nothing."""
    replaced = [one for one in standing(charge_point.pk) if rules.is_replaced(one, profile, evse=evse)]
    found = list(rules.warnings(profile, replaces=bool(replaced), now=datetime.now(UTC)))
    if _was_refused(charge_point):
        found.append("This station has answered its last charging profile with NotSupported.")
    return " ".join(found)


def _was_refused(charge_point: ChargePoint) -> bool:
    """Whether the station answered the last profile that it does not support them at all."""
    sent: Mapping[str, Any] | None = (
        charge_point.commands.filter(action=_SET, finished_at__isnull=False)
        .order_by("-created_at")
        .values("status", "error_code")
        .first()
    )
    if sent is None:
        return False
    return sent["status"] == _NOT_SUPPORTED or sent["error_code"] in (_NOT_SUPPORTED, "NotImplemented")
