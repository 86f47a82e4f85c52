"""SetNetworkProfile: how a station connects to a central system (2.x B09)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint
from chargepoints.services.provisioning.passwords import key_of
from configuration.commands.variables import passwords
from configuration.services import network
from ocpp_server import command_fields as fields
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.domain import Conflict, DomainError, Invalid
from ocpp_server.live import LiveStateUnavailable
from ocpp_server.observability import tracing
from ocpp_server.protocol.versions import V21
from ocpp_server.rights import Right, role_for
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from ocpp_server.transport.command_store import Addressee

ACTION: Final = "SetNetworkProfile"
_WIRES: Final = tuple(f"{kind}{number}" for kind in ("Wired", "Wireless") for number in range(4))
_VERSIONS: Final = ("OCPP20", "OCPP16", "OCPP15", "OCPP12")
_MOST_SLOT: Final = 999
# 2.x passwordString, 16 characters at least (A00.FR.205).
_PASSWORD: Final = re.compile(r"[A-Za-z0-9*\-_=:+|@.]{16,64}")
# The arguments of the access point and of the VPN, with their names on the wire.
_APN: Final = {
    "apn": "apn",
    "apn_user": "apnUserName",
    "apn_password": "apnPassword",
    "sim_pin": "simPin",
    "preferred_network": "preferredNetwork",
    "only_preferred_network": "useOnlyPreferredNetwork",
    "apn_authentication": "apnAuthentication",
}
_VPN: Final = {
    "vpn_server": "server",
    "vpn_user": "user",
    "vpn_group": "group",
    "vpn_password": "password",
    "vpn_key": "key",
    "vpn_type": "type",
}
_PLAIN: Final = {
    "csms_url": "ocppCsmsUrl",
    "ocpp_version": "ocppVersion",
    "transport": "ocppTransport",
    "interface": "ocppInterface",
    "message_timeout": "messageTimeout",
    "security_profile": "securityProfile",
    "identity": "identity",
    "password": "basicAuthPassword",
}


def spell(*, slot: int, **given: Any) -> dict[str, Any]:
    """The payload. Raises Invalid for an incomplete access point or VPN, and for a PIN that is no number."""
    given = {argument: value for argument, value in given.items() if value != "" and value is not False}
    data = {name: given[argument] for argument, name in _PLAIN.items() if argument in given}
    for part, names, needed in (
        ("apn", _APN, ("apn", "apn_authentication")),
        ("vpn", _VPN, ("vpn_server", "vpn_user", "vpn_password", "vpn_key", "vpn_type")),
    ):
        found = {name: given[argument] for argument, name in names.items() if argument in given}
        missing = [argument for argument in needed if found and argument not in given]
        if missing:
            name = next(one.name for one in FIELDS if one.argument == missing[0])
            raise Invalid("Needed with the other fields of its kind.", field=name)
        if found:
            data[part] = found
    if "sim_pin" in given:
        data["apn"]["simPin"] = _pin(given["sim_pin"])
    return {"configurationSlot": slot, "connectionData": data}


def _pin(text: str) -> int:
    """OCPP has the PIN as a number, so one that begins with 0 can't be sent."""
    if not (text.isascii() and text.isdigit()) or text.startswith("0"):
        raise Invalid("Must be digits; OCPP has no PIN that begins with 0.", field="simPin")
    return int(text)


async def prepare(charge_point: ChargePoint, **given: Any) -> dict[str, Any]:
    """Raises Invalid for a bad address or password, and Conflict for the slot that the station uses."""
    check_url(given["csms_url"], given["security_profile"])
    password = given.get("password")
    if password is not None and not _PASSWORD.fullmatch(password):
        raise Invalid("Must have 16 to 64 letters, digits and *-_=:+|@.", field="basicAuthPassword")
    used = await journal.run(network.slot_in_use, charge_point.pk)
    if used == given["slot"]:
        raise Conflict(
            f"{charge_point.identity} is connected by slot {used}: a mistake in it would keep the station "
            f"away. Set another slot, and put it first in OCPPCommCtrlr.NetworkConfigurationPriority.",
            field="slot",
        )
    return given


def check_url(url: str, security_profile: int) -> None:
    """Raises Invalid for an address that is no WebSocket address, or too weak for the profile."""
    try:
        parts = urlsplit(url)
        is_wrong = parts.scheme not in ("ws", "wss") or not parts.hostname or parts.port == 0
    except ValueError:
        is_wrong = True
    if is_wrong or not url.isascii() or not url.isprintable() or " " in url:
        raise Invalid("Must be an address such as wss://csms.example.com/ocpp.", field="csmsUrl")
    if security_profile > 1 and parts.scheme == "ws":
        raise Invalid(f"Security profile {security_profile} needs wss://.", field="csmsUrl")


async def _set(charge_point: ChargePoint, *, actor: str, **given: Any) -> Result:
    """Raises Conflict while an earlier new password is unproved, and the errors of `calls.call`."""
    how = {name: given.pop(name) for name in ("timeout", "wait")}
    payload = spell(**given)
    await calls.check(charge_point, ACTION, payload, sets_password=True)
    return Result(await send(charge_point, payload, actor=actor, command_id=tracing.command_id(), **how))


async def send(
    charge_point: ChargePoint, payload: dict[str, Any], *, actor: str, command_id: str, **how: Any
) -> Any:
    """Note the profile and send it. As `_set`; the payload has been checked."""
    slot, data = payload["configurationSlot"], payload["connectionData"]
    how |= {"actor": actor, "command_id": command_id}
    await journal.run(
        network.wanted,
        charge_point.pk,
        slot,
        data,
        command_id=command_id,
        actor=actor,
        at=datetime.now(UTC),
    )
    try:
        password = data.get("basicAuthPassword")
        if password is not None and network.is_own(charge_point.identity, data):
            return await passwords.send(charge_point, ACTION, payload, key_of(password), **how)
        return await calls.call(charge_point, ACTION, payload, sets_password=True, **how)
    except (DomainError, LiveStateUnavailable):
        await journal.run(network.not_sent, command_id)
        raise


def _only_21(field: Any, charge_point: Addressee) -> Any:
    return field if charge_point.ocpp_version == V21 else None


def _versions(field: fields.Choice, charge_point: Addressee) -> fields.Choice:
    more = ("OCPP21", "OCPP201") if charge_point.ocpp_version == V21 else ()
    return replace(field, choices=_plain(*_VERSIONS, *more), also=())


def _interfaces(field: fields.Choice, charge_point: Addressee) -> fields.Choice:
    more = ("Any",) if charge_point.ocpp_version == V21 else ()
    return replace(field, choices=_plain(*_WIRES, *more), also=())


def _plain(*words: str) -> tuple[tuple[str, str], ...]:
    return tuple((word, word) for word in words)


FIELDS: Final = (
    fields.Whole("slot", _("Slot"), required=True, most=_MOST_SLOT, example=1),
    fields.Text(
        "csms_url",
        _("Address"),
        required=True,
        most=2000,
        help=_("Of the central system, without the station's identity."),
        example="ws://csms.example.com/ocpp",
    ),
    fields.Whole("security_profile", _("Security profile"), required=True, most=3, example=1),
    fields.Choice(
        "interface",
        _("Interface"),
        choices=_plain(*_WIRES),
        also=("Any",),
        default="Wired0",
        adapt=_interfaces,
    ),
    fields.Whole(
        "message_timeout", _("Message timeout"), least=1, default=30, help=_("Seconds that it waits.")
    ),
    fields.Choice(
        "ocpp_version",
        _("OCPP version"),
        choices=_plain(*_VERSIONS),
        also=("OCPP201", "OCPP21"),
        default="OCPP20",
        help=_("2.1 stations ignore it: the versions are agreed upon when the station connects."),
        adapt=_versions,
    ),
    fields.Choice("transport", _("Transport"), choices=_plain("JSON", "SOAP"), default="JSON"),
    fields.Text(
        "identity",
        _("Identity"),
        most=48,
        help=_("2.1: with which the station logs on in this profile. Another one is another station here."),
        adapt=_only_21,
    ),
    fields.Secret(
        "password",
        _("Password"),
        name="basicAuthPassword",
        most=64,
        help=_("2.1: with which the station logs on in this profile. The present one stays valid meanwhile."),
        adapt=_only_21,
    ),
    fields.Secret("apn", _("Access point (APN)"), most=2000),
    fields.Text("apn_user", _("APN user"), name="apnUserName", most=50),
    fields.Secret("apn_password", _("APN password"), most=64),
    fields.Secret("sim_pin", _("SIM PIN"), most=9),
    fields.Text("preferred_network", _("Preferred network"), most=6, help=_("MCC and MNC.")),
    fields.Flag("only_preferred_network", _("Only the preferred network"), name="useOnlyPreferredNetwork"),
    fields.Choice(
        "apn_authentication", _("APN authentication"), choices=_plain("AUTO", "CHAP", "PAP", "NONE")
    ),
    fields.Text("vpn_server", _("VPN server"), most=2000),
    fields.Text("vpn_user", _("VPN user"), most=50),
    fields.Text("vpn_group", _("VPN group"), most=50),
    fields.Secret("vpn_password", _("VPN password"), most=64),
    fields.Secret("vpn_key", _("VPN key"), most=255),
    fields.Choice("vpn_type", _("VPN type"), choices=_plain("IKEv2", "IPSec", "L2TP", "PPTP")),
)

SET_NETWORK_PROFILE = command(
    "set-network-profile",
    _("Set network profile"),
    _("Store in a slot of the station how it connects to a central system."),
    action=ACTION,
    icon="lan",
    position=87,
    role=role_for(Right.STATION_ACCESS),
    is_for_one=True,
    fields=FIELDS,
    danger=_("With a wrong profile the station can't connect any more once it uses it."),
    prepare=prepare,
    run=_set,
    spell_2x=spell,
    rest=Rest(
        description="The station uses the profile after its slot is first in "
        "OCPPCommCtrlr.NetworkConfigurationPriority, and a reset. The slot that it uses now, as reported, is "
        "refused with 409. GET /api/v1/network-profiles lists the profiles without their secrets. With "
        "`basicAuthPassword` the server accepts both passwords until the station logs on with the new one."
    ),
)
