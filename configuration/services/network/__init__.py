"""The network profiles that were sent to stations, and their answers (2.x B09)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from chargepoints.models import Command
from chargepoints.services.follow_ups.recording import whole
from configuration.models import NetworkProfile
from configuration.services.variables import reported
from ocpp_server.observability.masking import masked_words

State = NetworkProfile.State

_ACTIVE: Final = "OCPPCommCtrlr.ActiveNetworkProfile"
_PRIORITY: Final = "OCPPCommCtrlr.NetworkConfigurationPriority"
# A station has few slots; beyond this many rows of other slots, only a slot that has a row is stored.
MOST_PER_STATION: Final = 60


def slot_in_use(charge_point_pk: int) -> int | None:
    """The slot by which the station is connected, as reported: the active one, else the first by priority.
    None if the station has reported neither.
    """
    found = reported.values(charge_point_pk, [_ACTIVE, _PRIORITY])
    for name in (_ACTIVE, _PRIORITY):
        first = found.get(name, "").split(",")[0].strip()
        if first.isascii() and first.isdigit() and len(first) < 10:  # noqa: PLR2004 - fits a 32-bit number
            return int(first)
    return None


def is_own(identity: str, data: Mapping[str, Any]) -> bool:
    """Whether the station logs on with this identity in a profile (2.1); without one it does, too."""
    return str(data.get("identity") or identity).casefold() == identity.casefold()


def wanted(
    charge_point_pk: int, slot: int, data: Mapping[str, Any], *, command_id: str, actor: str, at: datetime
) -> NetworkProfile:
    """Note a profile before it is sent. It replaces one that the station has not answered."""
    with transaction.atomic():
        rows = NetworkProfile.objects.filter(charge_point=charge_point_pk)
        rows.filter(slot=slot, state=State.WANTED).delete()
        if not rows.filter(slot=slot).exists() and rows.count() >= MOST_PER_STATION:
            rows.order_by("updated_at", "pk")[0].delete()
        return NetworkProfile.objects.create(
            charge_point_id=charge_point_pk,
            slot=slot,
            command_id=command_id,
            actor=actor[:150],
            sent_at=at,
            **_columns(data),
        )


def _columns(data: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a profile on the wire, without its secrets."""
    vpn = data.get("vpn") or {}
    return {
        "csms_url": masked_words(data["ocppCsmsUrl"])[:2000],
        "ocpp_version": data.get("ocppVersion", ""),
        "transport": data["ocppTransport"],
        "interface": data["ocppInterface"],
        "message_timeout": whole(data["messageTimeout"]),
        "security_profile": whole(data["securityProfile"]),
        "identity": data.get("identity", ""),
        "sets_password": "basicAuthPassword" in data,
        "has_apn": "apn" in data,
        "vpn_type": vpn.get("type", ""),
        "vpn_server": masked_words(vpn.get("server", ""))[:2000],
    }


def not_sent(command_id: str) -> None:
    """Forget a profile whose command did not reach the station."""
    NetworkProfile.objects.filter(command=command_id, state=State.WANTED).delete()


def answered(
    charge_point_pk: int,
    slot: int,
    data: Mapping[str, Any],
    *,
    command_id: str,
    is_accepted: bool,
    reason: str,
    at: datetime,
) -> None:
    """Store the station's answer. A profile of the generic command has its row only now."""
    state = State.CONFIRMED if is_accepted else State.REFUSED
    with transaction.atomic():
        rows = NetworkProfile.objects.select_for_update().filter(charge_point=charge_point_pk, slot=slot)
        row = rows.filter(command=command_id, state=State.WANTED).first()
        if row is None:
            actor = Command.objects.filter(pk=command_id).values_list("actor", flat=True).first() or ""
            row = wanted(charge_point_pk, slot, data, command_id=command_id, actor=actor, at=at)
        rows.filter(state=state).delete()
        if is_accepted:
            rows.filter(state=State.REFUSED, sent_at__lte=row.sent_at).delete()
        row.state, row.reason, row.answered_at = state, reason[:500], at
        row.save()
