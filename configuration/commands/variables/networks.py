"""The network profile of a slot by variables: the component NetworkConfiguration of 2.1 (B09)."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from chargepoints.models import ChargePoint, Command
from chargepoints.services.provisioning.passwords import key_of
from configuration.commands import network
from configuration.commands.variables import passwords
from ocpp_server import splitting
from ocpp_server.commanding import Rest, Result, command
from ocpp_server.rights import Right, role_for

# The variables of the component by the arguments of the command; the password goes alone, and last.
_VARIABLES: Final = {
    "csms_url": "OcppCsmsUrl",
    "interface": "OcppInterface",
    "transport": "OcppTransport",
    "ocpp_version": "OcppVersion",
    "message_timeout": "MessageTimeout",
    "security_profile": "SecurityProfile",
    "identity": "Identity",
    "apn": "Apn",
    "apn_user": "ApnUserName",
    "apn_password": "ApnPassword",
    "sim_pin": "SimPin",
    "preferred_network": "PreferredNetwork",
    "only_preferred_network": "UseOnlyPreferredNetwork",
    "apn_authentication": "ApnAuthentication",
    "vpn_server": "VpnServer",
    "vpn_user": "VpnUser",
    "vpn_group": "VpnGroup",
    "vpn_password": "VpnPassword",
    "vpn_key": "VpnKey",
    "vpn_type": "VpnType",
}
_PASSWORD: Final = "BasicAuthPassword"  # noqa: S105 - the name of a variable


def spell(*, slot: int, **given: Any) -> dict[str, Any]:
    """The variables of the slot, no password. Raises Invalid for an incomplete access point or VPN."""
    data = network.spell(slot=slot, **given)["connectionData"]
    values = {_VARIABLES[name]: value for name, value in given.items() if name in _VARIABLES}
    values |= {"VpnEnabled": "vpn" in data, "ApnEnabled": "apn" in data}
    return {"setVariableData": [_item(slot, name, value) for name, value in values.items()]}


def _item(slot: int, name: str, value: Any) -> dict[str, Any]:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    component = {"name": "NetworkConfiguration", "instance": str(slot)}
    return {"component": component, "variable": {"name": name}, "attributeValue": text}


async def _set(charge_point: ChargePoint, **given: Any) -> Result:
    """Set the variables, and then the password if the station has taken the others: both passwords are
    accepted until it logs on with the new one.
    """
    how = {name: given.pop(name) for name in ("actor", "timeout", "wait")}
    password = given.pop("password", "")
    sent, shown = await splitting.send(charge_point, "SetVariables", spell(**given), **how)
    if not password or (how["wait"] and sent.state != Command.State.ACCEPTED):
        return Result(sent, shown)
    payload = {"setVariableData": [_item(given["slot"], _PASSWORD, password)]}
    if str(given.get("identity") or charge_point.identity).casefold() != charge_point.identity.casefold():
        last, _parts = await splitting.send(charge_point, "SetVariables", payload, sets_password=True, **how)
    else:
        last = await passwords.send(charge_point, "SetVariables", payload, key_of(password), **how)
    return Result(last)


SET_NETWORK_CONFIGURATION = command(
    "set-network-configuration",
    _("Set network configuration"),
    _("Store in a slot of the station how it connects, by the variables of OCPP 2.1."),
    action="SetVariables",
    icon="settings_ethernet",
    position=88,
    role=role_for(Right.STATION_ACCESS),
    is_for_one=True,
    fields=network.FIELDS,
    danger=_("With a wrong profile the station can't connect any more once it uses it."),
    prepare=network.prepare,
    run=_set,
    spell_2x=spell,
    rest=Rest(
        description="As set-network-profile, for a station that reports the component NetworkConfiguration "
        "(2.1). The password is sent after the station has taken the other variables."
    ),
)
