"""Scopes: the groups of endpoints that an API key may use, each for reading or for writing.

A key without scopes may use all endpoints that its role allows. A key with scopes may use only theirs; its
role still applies. `<group>:write` includes `<group>:read`. An endpoint belongs to a group by its path
(`PATHS`), a command by its declaration. An endpoint in no group is refused for every key with scopes, and
`tests/unit/api/test_scopes.py` fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

READ, WRITE = "read", "write"
_READING: Final = ("GET", "HEAD", "OPTIONS")
# Without a group: the state of the server, and documents.
OPEN: Final = "open"
COMMANDS: Final = "commands"

# Each group with what it has.
GROUPS: Final[dict[str, str]] = {
    "chargepoints": "Stations, their connectors and notes",
    "sites": "Sites and maintenance windows",
    "commands": "Sending commands and reading their results",
    "campaigns": "Campaigns",
    "messages": "The OCPP messages of stations, with their deviations and device events",
    "diagnostics": "Logs and reports of stations",
    "configuration": "Configuration, monitors, templates, network profiles",
    "local-lists": "Local authorization lists",
    "firmware": "Firmware files, downloads and updates",
    "security": "Security events, security profiles, refused connections",
    "certificates": "CAs, roots and certificates",
    "smart-charging": "Charging profiles, limits and plans, DER controls",
    "transactions": "Sessions, their meter values, sums and exports",
    "reservations": "Reservations",
    "tariffs": "Tariffs, costs and payments",
    "tokens": "Tokens, token groups, access rules, refused and unknown tokens",
    "users": "People who charge",
    "contracts": "Contracts and their members",
    "events": "Events",
    "webhooks": "Webhooks and their deliveries",
    "alerts": "Alerts, their rules and recipients",
    "sandbox": "Virtual stations",
    "api-keys": "API keys and the log of their requests",
    "audit": "The audit log",
    "metrics": "Metrics for Prometheus",
}

# The beginning of a path below /api/v1, or a whole one above it -> its group. `*` is a parameter. The longest
# beginning counts; what stands below one station is always named here, because every app has a part there.
PATHS: Final[dict[str, str]] = {
    "health": OPEN,
    "clients": "chargepoints",
    "metrics": "metrics",
    "schema": OPEN,
    "docs": OPEN,
    "chargepoints": "chargepoints",
    **{
        f"chargepoints/*/{name}": group
        for group, names in {
            "chargepoints": ("battery-swaps", "connectors", "notes", "status"),
            "commands": ("commands", "follow-ups", "trigger"),
            "messages": ("device-events", "messages"),
            "diagnostics": ("logs", "reports"),
            "configuration": (
                "configuration",
                "desired-values",
                "display-messages",
                "event-streams",
                "monitors",
                "reported-values",
                "stream-messages",
            ),
            "local-lists": ("local-list",),
            "firmware": ("published-firmware",),
            "security": ("security-profile-changes",),
            "certificates": ("certificates", "wanted-roots"),
            "smart-charging": (
                "charging-limits",
                "charging-plans",
                "charging-profiles",
                "der-alarms",
                "der-controls",
            ),
            "tariffs": ("tariffs", "web-payment-keys"),
        }.items()
        for name in names
    },
    "commands": "commands",
    "campaigns": "campaigns",
    "firmware": "firmware",
    "firmware-updates": "firmware",
    "security-events": "security",
    "refused-connections": "security",
    "deviations": "messages",
    "sites": "sites",
    "maintenance-windows": "sites",
    "outages": "chargepoints",
    "configuration": "configuration",
    "network-profiles": "configuration",
    "local-lists": "local-lists",
    "certificates": "certificates",
    "transactions": "transactions",
    "transactions/remote-start": "commands",
    "transactions/remote-stop": "commands",
    "quarantine": "transactions",
    "settlements": "transactions",
    "aggregates": "transactions",
    "reservations": "reservations",
    "payments": "tariffs",
    "session-costs": "tariffs",
    "web-payments": "tariffs",
    "access-rules": "tokens",
    "authorize": "tokens",
    "refused-tokens": "tokens",
    "token-groups": "tokens",
    "tokens": "tokens",
    "unknown-tokens": "tokens",
    "users": "users",
    "contracts": "contracts",
    "events": "events",
    "webhooks": "webhooks",
    "alerts": "alerts",
    "alert-rules": "alerts",
    "alert-notices": "alerts",
    "alert-recipients": "alerts",
    "sandbox": "sandbox",
    "api-keys": "api-keys",
    "audit-log": "audit",
}
ALL: Final = tuple(f"{group}:{access}" for group in GROUPS for access in (READ, WRITE))


# -- the document --------------------------------------------------------------------------------------------

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "api-keys.md"
BEGIN: Final = "<!-- begin: written by python -m ocpp_server.api.scopes -->"
END: Final = "<!-- end -->"


def written(page: str) -> str:
    """The page with the current table of groups. Raises ValueError for a page without the markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no block between {BEGIN} and {END}")
    lines = ["", "", "| group | endpoints | |", "|---|---|---|"]
    for group, words in GROUPS.items():
        paths = ", ".join(f"`{path}`" for path, its in PATHS.items() if its == group)
        lines.append(f"| `{group}` | {words} | {paths} |")
    return before + BEGIN + "\n".join([*lines, "", ""]) + END + after


# -- the rule ------------------------------------------------------------------------------------------------


def group_of(route: str) -> str:
    """The group of an endpoint by its route, such as api/v1/chargepoints/<str:client_id>; empty for none."""
    path = route.removeprefix("/").removeprefix("api/v1/").removeprefix("api/").strip("/")
    parts = ["*" if part[:1] in "<{" else part for part in path.split("/")]
    if parts[0] == "chargepoints" and len(parts) > 2:
        return PATHS.get("/".join(parts[:3]), "")
    beginnings = ("/".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((PATHS[one] for one in beginnings if one in PATHS), "")


def needed(group: str, method: str, *, is_for_viewers: bool = False) -> str:
    """The scope that a request needs; empty if it needs none. An operation for viewers reads, even a POST."""
    access = READ if is_for_viewers or method in _READING else WRITE
    return "" if group == OPEN else f"{group}:{access}"


def includes(scopes: Iterable[str], scope: str) -> bool:
    """Whether these scopes include one. None includes that of an endpoint without a group."""
    group, _, access = scope.rpartition(":")
    granted = {scope, f"{group}:{WRITE}"} if access == READ else {scope}
    return group in GROUPS and not granted.isdisjoint(scopes)


def allows(caller: Any, scope: str) -> bool:
    """Whether the caller may send a request that needs this scope. A login may."""
    scopes = getattr(caller, "scopes", None)
    return scopes is None or not scope or includes(scopes, scope)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
