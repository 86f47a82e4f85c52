"""Change the security profile of a station over OCPP (1.6 security whitepaper and 2.x, A05).

The caller goes through the steps if it waits for the station; otherwise, and after a crash, the job of
`configuration.jobs` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, SecurityProfileChange
from chargepoints.services.provisioning import security_profiles
from chargepoints.services.provisioning.security_profiles import State
from configuration.commands import network
from configuration.services.network import listeners, upgrading
from configuration.services.network.upgrading import Step
from ocpp_server import command_fields as fields
from ocpp_server import live
from ocpp_server.command_fields import Label
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.domain import Conflict, Invalid, QueueFull, StationOffline
from ocpp_server.observability import tracing
from ocpp_server.observability.masking import masked_words
from ocpp_server.protocol.versions import V16, in_dialect
from ocpp_server.rights import Right, role_for
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from ocpp_server.transport.command_store import QUEUE_FULL, Addressee
from ocpp_server.transport.handshake.profiles import WITH_TLS

NAME: Final = "upgrade-security-profile"
_LONGEST_WINDOW: Final = 7 * 24 * 3600
_COMPONENT, _PRIORITY = upgrading.PRIORITY.split(".")
_ENDS: Final = frozenset({State.REFUSED, State.FAILED})


async def _prepare(
    charge_point: ChargePoint, *, target: int, force: bool = False, reason: str = "", **given: Any
) -> dict[str, Any]:
    """Raises Conflict for a change that is not possible or not safe, and Invalid for bad fields."""
    if force and not reason.strip():
        raise Invalid("Needed with `force`.", field="reason")
    version = charge_point.ocpp_version
    if not live.state().is_connected(charge_point.identity):
        raise StationOffline(f"{charge_point.identity} is known but offline.")
    await journal.run(upgrading.check, charge_point.pk, target, version)
    found = [] if force else await journal.run(upgrading.obstacles, charge_point.pk, target)
    if found:
        raise Conflict(f"{' '.join(found)} Nothing was sent; `force` with a `reason` sends it all the same.")
    columns: dict[str, Any] = {"justification": reason.strip() if force else ""}
    payload: dict[str, Any] = {"key": upgrading.KEY, "value": str(target)}
    if version != V16:
        slot, _used = await journal.run(upgrading.slots, charge_point.pk, given.get("slot"))
        payload = _profile(target, slot, given)
        url = masked_words(payload["connectionData"]["ocppCsmsUrl"])
        columns |= {"slot": slot, "csms_url": url[:2000]}
    return {"target": target, "window": given["window"], "columns": columns, "payload": payload}


def _profile(target: int, slot: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of SetNetworkProfile. Raises Invalid for a bad address, and if none is known."""
    url = given.get("csms_url") or listeners.address(target)
    if not url:
        raise Invalid("Needed: the settings of the server do not show it (PUBLIC_URL).", field="csmsUrl")
    network.check_url(url, target)
    if target < WITH_TLS and url.startswith("wss"):
        raise Invalid(f"Security profile {target} is without TLS: use ws://.", field="csmsUrl")
    return network.spell(
        slot=slot,
        csms_url=url,
        security_profile=target,
        interface=given["interface"],
        message_timeout=given["message_timeout"],
        ocpp_version="OCPP20",
        transport="JSON",
    )


async def _upgrade(
    charge_point: ChargePoint,
    *,
    target: int,
    window: int,
    columns: dict[str, Any],
    payload: dict[str, Any],
    actor: str,
    timeout: float | None,
    wait: bool,
) -> Result:
    """Admit the new profile, and send it. Goes through all steps if the caller waits."""
    # The general rule against lower profiles lets this one pass.
    charge_point.next_security_profile = target
    action = in_dialect(charge_point.ocpp_version, "ChangeConfiguration", network.ACTION)
    await calls.check(charge_point, action, payload)
    command_id = tracing.command_id()
    change = await journal.run(
        security_profiles.offer,
        charge_point.pk,
        target=target,
        window=window,
        command_id=command_id,
        actor=actor,
        **columns,
    )
    how = {"actor": actor, "timeout": timeout, "wait": wait, "command_id": command_id}
    try:
        row = await _send(charge_point, action, payload, how)
    except (Conflict, Invalid, QueueFull) as error:
        # After any other error the command may be on its way: the job goes on with the change.
        await journal.run(security_profiles.withdraw, change, State.FAILED, f"Not sent. {error.sentence}")
        raise
    while wait:
        following = await go_on(change.pk, timeout=timeout)
        if following is None:
            break
        row = following
    await journal.run(change.refresh_from_db)
    return Result(row, upgrading.shown(change))


async def _send(charge_point: ChargePoint, action: str, payload: dict[str, Any], how: dict[str, Any]) -> Any:
    if action == network.ACTION:
        return await network.send(charge_point, payload, **how)
    return await calls.call(charge_point, action, payload, **how)


async def go_on(change_pk: int, *, timeout: float | None = None, wait: bool = True) -> Any:
    """Take the next step of a change whose present command has ended. Returns the command that was sent, None
    if none was. Several processes may call it: one of them takes the step.
    """
    found = await journal.run(upgrading.load, change_pk)
    if found is None:
        return None
    change, sent = found
    if sent is not None and not sent.is_finished:
        return None
    if sent is not None and (change.state == State.SENT or sent.error_code != QUEUE_FULL):
        step = upgrading.next_step(change.state, has_slots=change.slot is not None, command=sent)
        answer = sent.status or sent.error_code or str(sent.state)
    elif sent is None and not upgrading.is_lost(change):
        return None
    elif change.state == State.SENT:
        step, answer = Step(State.FAILED, reason="Nothing was sent: the server stopped."), ""
    else:
        step, answer = Step(change.state, upgrading.ACTIONS[change.state]), ""
    if step.state in _ENDS:
        await journal.run(security_profiles.withdraw, change, step.state, step.reason)
        return None
    if not step.action:
        await journal.run(security_profiles.step, change, step.state, answer=answer, reason=step.reason)
        return None
    return await _take(change, step, answer, timeout=timeout, wait=wait)


async def _take(
    change: SecurityProfileChange, step: Step, answer: str, *, timeout: float | None, wait: bool
) -> Any:
    station = change.charge_point
    connection = await live.state().connection(station.identity)
    if connection is None:
        return None  # later
    station.ocpp_version = connection.version
    payload: dict[str, Any] = {"type": "OnIdle"}
    if step.action == "SetVariables" and change.slot is not None:
        value = await journal.run(upgrading.order, station.pk, change.slot)
        place = {"component": {"name": _COMPONENT}, "variable": {"name": _PRIORITY}, "attributeValue": value}
        payload = {"setVariableData": [place]}
    # A process may end between the two: the id is stored before the command.
    command_id = tracing.command_id()
    stepped = await journal.run(
        security_profiles.step, change, step.state, answer=answer, command_id=command_id
    )
    if not stepped:
        return None
    return await calls.call(
        station,
        step.action,
        payload,
        actor=change.actor,
        timeout=timeout,
        wait=wait,
        command_id=command_id,
    )


def _danger(charge_point: Addressee, arguments: Mapping[str, Any]) -> Label:
    target = arguments.get("target", charge_point.security_profile)
    if target < charge_point.security_profile:
        return gettext("The connection will be less secure: a password instead of a certificate.")
    way_back = gettext("There is no way back over OCPP: a lower profile has to be set at the station itself.")
    if charge_point.ocpp_version == V16:
        return way_back
    return f"{way_back} {gettext('The station restarts as soon as no session is running.')}"


def _warn(charge_point: Addressee, **arguments: Any) -> Label:
    return upgrading.doubts(charge_point.pk, arguments["target"])


def _only_2x(field: fields.Field, charge_point: Addressee) -> fields.Field | None:
    return None if charge_point.ocpp_version == V16 else field


def _interface(field: fields.Choice, charge_point: Addressee) -> fields.Choice | None:
    return None if charge_point.ocpp_version == V16 else _OF_NETWORK["interface"].at(charge_point)


_OF_NETWORK: Final[dict[str, Any]] = {field.argument: field for field in network.FIELDS}

UPGRADE_SECURITY_PROFILE = command(
    NAME,
    _("Upgrade security profile"),
    _("Make the station connect with another security profile, and refuse the old one once it does."),
    action=network.ACTION,
    action_16="ChangeConfiguration",
    icon="shield_lock",
    position=86,
    role=role_for(Right.STATION_ACCESS),
    fields=(
        fields.Whole(
            "target",
            _("Security profile"),
            name="targetProfile",
            required=True,
            least=1,
            most=3,
            help=_("1: password; 2: TLS and password; 3: TLS and a certificate of the station."),
            example=2,
        ),
        fields.Whole(
            "window",
            _("Time to return"),
            least=60,
            most=_LONGEST_WINDOW,
            default=upgrading.DEFAULT_WINDOW,
            help=_("Seconds. A station that is at its old profile after them has fallen back."),
        ),
        fields.Whole(
            "slot",
            _("Slot"),
            most=999,
            help=_("2.x: of the network profile; a free one unless given."),
            adapt=_only_2x,
        ),
        fields.Text(
            "csms_url",
            _("Address"),
            most=2000,
            help=_(
                "2.x: of the central system for this profile, without the station's identity. From the "
                "settings of the server unless given."
            ),
            example="wss://csms.example.com/ocpp",
            adapt=_only_2x,
        ),
        replace(_OF_NETWORK["interface"], adapt=_interface),
        replace(_OF_NETWORK["message_timeout"], adapt=_only_2x),
        fields.Flag(
            "force",
            _("Send in spite of a failed check"),
            help=_("Of the server's listener, its certificate, or the certificates of the station."),
        ),
        fields.Text("reason", _("Reason"), most=255, help=_("Needed to send in spite of a failed check.")),
    ),
    danger=_danger,
    prepare=_prepare,
    run=_upgrade,
    warn=_warn,
    rest=Rest(
        answer="chargepoints.serializers.security_profiles.ProfileChangeRequestedSerializer",
        description="1.6: sets the key SecurityProfile. 2.x: stores a network profile in a free slot, puts "
        "it first in NetworkConfigurationPriority, and resets the station when it is idle. Both profiles are "
        "admitted until the station connects at the new one; then the old one is refused. If it returns at "
        "the old one, that stays. GET .../security-profile-changes/{changeId} has the steps. A lower profile "
        "is 409: only 2.1 has a way from 3 to 2, where SecurityCtrlr.AllowSecurityProfileDowngrade is true.",
    ),
)
