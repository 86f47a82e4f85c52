"""Discovery by Home Assistant: one retained message for each station and each of its EVSEs.

https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson

from events.services.mqtt.topics import CURRENTS, Outlet, StationState, node, of_identity
from ocpp_server import __version__

# The slider of Home Assistant. Other clients may set any limit.
_LEAST_A, _MOST_A = 6, 32
_ORIGIN: Final = {"name": "OCPP server", "sw": __version__}


def of_stations(
    root: str, prefix: str, stations: Iterable[StationState], *, with_commands: bool
) -> dict[str, str]:
    """The discovery topics of these stations with their payloads."""
    found: dict[str, str] = {}
    for station in stations:
        base = f"{root}/{of_identity(station.identity)}"
        own = f"{_start(root)}{node(station.identity)}"
        found[topic(prefix, own)] = _encoded(
            _of_station(station, root=root, base=base, own=own, with_commands=with_commands)
        )
        for outlet in station.outlets:
            payload = _of_outlet(station, outlet, root=root, base=base, own=own, with_commands=with_commands)
            found[topic(prefix, f"{own}_{outlet.number}")] = _encoded(payload)
    return found


def is_own(root: str, prefix: str, topic: str, payload: str) -> bool:
    """Whether a discovery message is of the server with this root."""
    return topic.startswith(f"{prefix}/device/{_start(root)}") and f'"{root}/status"' in payload


def _start(root: str) -> str:
    return f"{node(root)}_"


def topic(prefix: str, id: str) -> str:
    return f"{prefix}/device/{id}/config"


def _of_station(
    station: StationState, *, root: str, base: str, own: str, with_commands: bool
) -> dict[str, Any]:
    parts: dict[str, dict[str, Any]] = {
        "error_code": {"p": "sensor", "name": "Error code", "stat_t": f"{base}/error_code"},
        "last_seen": {
            "p": "sensor",
            "name": "Last seen",
            "dev_cla": "timestamp",
            "stat_t": f"{base}/last_seen",
            "ent_cat": "diagnostic",
        },
    }
    if with_commands:
        parts["reset"] = {
            "p": "button",
            "name": "Reset",
            "dev_cla": "restart",
            "cmd_t": f"{base}/reset/set",
            "pl_prs": "soft",
        }
    return _device(_named(station), own, station, root=root, base=base, parts=parts)


def _of_outlet(
    station: StationState, outlet: Outlet, *, root: str, base: str, own: str, with_commands: bool
) -> dict[str, Any]:
    at = f"{base}/{outlet.number}"
    parts: dict[str, dict[str, Any]] = {
        "status": {"p": "sensor", "name": "Status", "stat_t": f"{at}/status"},
        "power": _measured("Power", "power", "W", f"{at}/power_w"),
        "meter": _measured("Energy meter", "energy", "kWh", f"{at}/meter_kwh", "total_increasing"),
        "energy": _measured("Session energy", "energy", "Wh", f"{at}/energy_wh", "total_increasing"),
        "duration": _measured("Session duration", "duration", "s", f"{at}/duration_s"),
        "soc": _measured("State of charge", "battery", "%", f"{at}/soc_percent"),
        "id_tag": {"p": "sensor", "name": "ID tag", "stat_t": f"{at}/id_tag"},
        "plug": _binary("Plug", "plug", f"{at}/connected"),
        "charging": _binary("Charging", "battery_charging", f"{at}/charging"),
        "problem": _binary("Problem", "problem", f"{at}/iec_status") | {"pl_on": "F", "pl_off": "A"},
    }
    parts |= {
        f"current_{phase.lower()}": _measured(f"Current {phase}", "current", "A", f"{at}/{name}")
        for phase, name in CURRENTS.items()
    }
    # Every state but F is no problem.
    parts["problem"]["val_tpl"] = "{{ 'F' if value == 'F' else 'A' }}"
    if with_commands:
        parts["enabled"] = {
            "p": "switch",
            "name": "Availability",
            "stat_t": f"{at}/enabled",
            "cmd_t": f"{at}/enable/set",
            "pl_on": "true",
            "pl_off": "false",
        }
        parts["charge"] = {
            "p": "switch",
            "name": "Charge",
            "stat_t": f"{at}/charging",
            "cmd_t": f"{at}/charge/set",
            "pl_on": "true",
            "pl_off": "false",
        }
        parts["limit"] = {
            "p": "number",
            "name": "Maximum current",
            "dev_cla": "current",
            "unit_of_meas": "A",
            "stat_t": f"{at}/limit_a",
            "cmd_t": f"{at}/max_current/set",
            "min": _LEAST_A,
            "max": _MOST_A,
            "step": 1,
        }
        parts["unlock"] = {"p": "button", "name": "Unlock", "cmd_t": f"{at}/unlock/set", "pl_prs": "unlock"}
    name = f"{_named(station)} {outlet.number}"
    found = _device(name, f"{own}_{outlet.number}", station, root=root, base=base, parts=parts)
    found["dev"]["via_device"] = own
    return found


def _device(
    name: str, id: str, station: StationState, *, root: str, base: str, parts: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    device = {
        "ids": [id],
        "name": name,
        "mf": station.vendor,
        "mdl": station.model,
        "sw": station.firmware,
    }
    return {
        "dev": {key: value for key, value in device.items() if value},
        "o": _ORIGIN,
        "avty": [{"t": f"{root}/status"}, {"t": f"{base}/available"}],
        "avty_mode": "all",
        "cmps": {key: part | {"uniq_id": f"{id}_{key}"} for key, part in parts.items()},
        "qos": 1,
    }


def _measured(
    name: str, kind: str, unit: str, topic: str, state_class: str = "measurement"
) -> dict[str, Any]:
    return {
        "p": "sensor",
        "name": name,
        "dev_cla": kind,
        "unit_of_meas": unit,
        "stat_cla": state_class,
        "stat_t": topic,
    }


def _binary(name: str, kind: str, topic: str) -> dict[str, Any]:
    return {
        "p": "binary_sensor",
        "name": name,
        "dev_cla": kind,
        "stat_t": topic,
        "pl_on": "true",
        "pl_off": "false",
    }


def _named(station: StationState) -> str:
    return station.name or station.identity


def _encoded(payload: dict[str, Any]) -> str:
    return orjson.dumps(payload).decode()
