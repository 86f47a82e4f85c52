"""Rights: what each role may do, in the admin and over REST alike.

A view and the button that leads to it ask for the same right. `python -m ocpp_server.rights` writes the table
into docs/roles.md; a test compares them.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from ocpp_server.credentials import Role, role_of


class Right(StrEnum):
    READ = "read"
    COMMANDS = "commands"
    LOGS = "logs"
    CAMPAIGNS = "campaigns"
    SESSIONS = "sessions"
    NOTES = "notes"
    ALERTS = "alerts"
    STATIONS = "stations"
    SITES = "sites"
    MAINTENANCE = "maintenance"
    TOKENS = "tokens"
    PEOPLE = "people"
    STATION_ACCESS = "station_access"
    CORRECTIONS = "corrections"
    CONTRACTS = "contracts"
    IMPORTS = "imports"
    FIRMWARE = "firmware"
    CERTIFICATES = "certificates"
    ALERT_RULES = "alert_rules"
    PERSONAL_DATA = "personal_data"
    DELETION = "deletion"
    ALERT_RECIPIENTS = "alert_recipients"
    LOGINS = "logins"
    WEBHOOKS = "webhooks"
    SANDBOX = "sandbox"
    AUDIT = "audit"


# Each right with the lowest role that has it, and what it allows.
RIGHTS: Final[dict[Right, tuple[Role, str]]] = {
    Right.READ: (Role.VIEWER, "Read every page and resource; export lists"),
    Right.COMMANDS: (
        Role.OPERATOR,
        "Send commands to stations, change their configuration, confirm web payments",
    ),
    Right.LOGS: (Role.OPERATOR, "Download the diagnostics and logs of stations"),
    Right.CAMPAIGNS: (
        Role.OPERATOR,
        "Create, change and delete campaigns; pause, resume, cancel and retry them",
    ),
    Right.SESSIONS: (Role.OPERATOR, "End sessions, settle suspect ones, resolve quarantined messages"),
    Right.NOTES: (Role.OPERATOR, "Add, change and delete notes about stations"),
    Right.ALERTS: (Role.OPERATOR, "Acknowledge, snooze, assign and resolve alerts; write notes about them"),
    Right.STATIONS: (Role.OPERATOR, "Add, accept and reject stations; change name, site, zone, validation"),
    Right.SITES: (Role.OPERATOR, "Add and change sites"),
    Right.MAINTENANCE: (Role.OPERATOR, "Add, change and delete maintenance windows"),
    Right.TOKENS: (Role.OPERATOR, "Add, change, block and invalidate tokens; add or ignore unknown ones"),
    Right.SANDBOX: (Role.OPERATOR, "Create, use and delete virtual stations"),
    Right.PEOPLE: (Role.OPERATOR, "Add, change and close people"),
    Right.STATION_ACCESS: (
        Role.ADMINISTRATOR,
        "Change a station's password, security profile, check of the user name and keys of QR codes; free "
        "vending",
    ),
    Right.CORRECTIONS: (Role.ADMINISTRATOR, "Settle a session with an energy that is not in its readings"),
    Right.CONTRACTS: (Role.ADMINISTRATOR, "Contracts, their members, token groups and access rules"),
    Right.IMPORTS: (Role.ADMINISTRATOR, "Import tokens from files"),
    Right.FIRMWARE: (Role.ADMINISTRATOR, "Add and delete firmware files"),
    Right.CERTIFICATES: (
        Role.ADMINISTRATOR,
        "CAs, trusted roots and root sets; approve signing requests, revoke certificates",
    ),
    Right.ALERT_RULES: (Role.ADMINISTRATOR, "Change the rules of alerts; recipients of their notices"),
    Right.PERSONAL_DATA: (Role.ADMINISTRATOR, "Export and erase a person's data; see customer information"),
    Right.DELETION: (Role.ADMINISTRATOR, "Delete stations, sites and the logs of stations"),
    Right.ALERT_RECIPIENTS: (Role.ADMINISTRATOR, "Add, change, test and delete recipients of alert notices"),
    Right.LOGINS: (Role.ADMINISTRATOR, "Operators, API keys, stored answers to idempotent requests"),
    Right.WEBHOOKS: (Role.ADMINISTRATOR, "Webhooks and their log: events leave the server to other systems"),
    Right.AUDIT: (Role.ADMINISTRATOR, "Read the audit log"),
}
_ORDER: Final = list(Role)


def role_for(right: Right) -> Role:
    """The lowest role with this right."""
    return RIGHTS[right][0]


def has_role(caller: Any, needed: Role | str) -> bool:
    """Whether an API key or a login has this role, or a higher one."""
    return _ORDER.index(Role(role_of(caller))) >= _ORDER.index(Role(needed))


def allows(caller: Any, right: Right) -> bool:
    """Whether an API key or a login has this right."""
    return has_role(caller, role_for(right))


# -- the document --------------------------------------------------------------------------------------------

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "roles.md"
BEGIN: Final = "<!-- begin: written by python -m ocpp_server.rights -->"
END: Final = "<!-- end -->"


def block() -> str:
    """The table in Markdown, with its markers."""
    heads = " | ".join(role.value for role in Role)
    lines = [BEGIN, "", f"| right | {heads} |", "|---" * (len(Role) + 1) + "|"]
    for needed, words in RIGHTS.values():
        marks = " | ".join("yes" if _ORDER.index(role) >= _ORDER.index(needed) else "-" for role in Role)
        lines.append(f"| {words} | {marks} |")
    return "\n".join([*lines, "", END])


def written(page: str) -> str:
    """The page with the current table. Raises ValueError for a page without the markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no block between {BEGIN} and {END}")
    return before + block() + after


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
