"""The certification cases of OCPP 1.6, 2.0.1 and 2.1, and the tests that are named after them.

The numbers are those of the certification's test cases, the titles are ours. A test of a case has its number
in its name: `test_16_048_1_2_3_4_a_refusal_...` is a test of 16-048-1 to 16-048-4, and
`test_TC_B_06_TC_B_07_...` one of TC_B_06 and TC_B_07. The cases of 2.x are in `cases_2x.txt`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
_LIST_2X: Final = _FOLDER / "cases_2x.txt"
_ID_2X: Final = re.compile(r"TC_[A-S]_\d{2,3}(?=_|$)")
_ID: Final = re.compile(r"(?<![0-9A-Za-z])16_(\d{3}[a-d]?|[A-Z]+\d?)((?:_\d(?=_|$))*)(?=_|$)")


@dataclass(frozen=True)
class Case:
    """A case: its block of the protocol's table, what it is about, and the later issue that it waits for.

    `asked` are the profiles of certification that ask for it, "(if)" where it depends on an optional feature;
    `since` is the first version that has it.
    """

    id: str
    block: str
    title: str
    later: str = ""
    asked: str = ""
    since: str = "1.6"


CASES: Final = (
    # -- boot and sessions
    Case("16-001", "provisioning", "Cold boot: accepted with time and interval, then status and heartbeat"),
    Case("16-001b", "provisioning", "A pending station may be configured, and nothing else"),
    Case("16-001c", "provisioning", "A rejected station gets an interval and no command"),
    Case("16-001d", "provisioning", "After a reconnect without a boot the station is served"),
    Case("16-003", "transactions", "A session that begins with the plug"),
    Case("16-004-1", "transactions", "A session that begins with the card"),
    Case("16-004-2", "transactions", "No vehicle in time leaves no transaction"),
    Case("16-005-1", "transactions", "The vehicle ends the session by disconnecting"),
    Case("16-007", "transactions", "A cached card starts without being authorized first"),
    Case("16-061", "authorization", "The cache is cleared, or the station refuses"),
    Case(
        "16-EV-1", "transactions", "A stop without reason or tag, and by the owner, the group or a stranger"
    ),
    # -- remote control, reset, unlock, configuration
    Case("16-010", "remote_control", "Remote start with the vehicle connected"),
    Case("16-011-1", "remote_control", "Remote start before the vehicle is connected"),
    Case("16-011-2", "remote_control", "Remote start without a vehicle in time"),
    Case("16-012", "remote_control", "Remote stop"),
    Case("16-026", "remote_control", "A rejected remote start"),
    Case("16-028", "remote_control", "A rejected remote stop"),
    Case("16-EV-2", "remote_control", "Remote start without a connector, at connector 0, and twice"),
    Case("16-013", "provisioning", "Hard reset with a session"),
    Case("16-014", "provisioning", "Soft reset with a session"),
    Case("16-017-1", "remote_control", "Unlock a connector without a session"),
    Case("16-017-2", "remote_control", "Unlock where the station cannot"),
    Case("16-018-1", "remote_control", "Unlock with a session, which ends"),
    Case("16-030", "remote_control", "Unlock fails"),
    Case("16-031", "remote_control", "Unlock an unknown connector"),
    Case("16-019-1", "variables", "Read all keys"),
    Case("16-019-2", "variables", "Read one key, and unknown keys"),
    Case("16-021", "variables", "Change a key"),
    Case("16-040-1", "variables", "Change a key that the station does not know"),
    Case("16-040-2", "variables", "Change a key to a value that the station refuses"),
    Case("16-023-1", "authorization", "An unknown or invalid token"),
    Case("16-023-2", "authorization", "An expired token"),
    Case("16-023-3", "authorization", "A blocked token"),
    Case("16-024", "availability", "A failure of the connector's lock"),
    Case("16-CA", "availability", "Availability of the station and of a connector, also during a session"),
    Case("16-CTX", "authorization", "A token that charges elsewhere"),
    # -- power failure, offline, metering
    Case("16-032-1", "transactions", "A power failure interrupts the session, the stop follows the boot"),
    Case("16-037-1", "transactions", "An offline start with a valid token"),
    Case("16-037-3", "transactions", "An offline start with an invalid token"),
    Case("16-039", "transactions", "A whole session offline"),
    Case("16-MV1", "metering", "Values of a session: every measurand, unit, phase, place and signed data"),
    Case("16-MV2", "metering", "Values without a session and of the main meter"),
    Case("16-MV3", "metering", "Values in the stop"),
    Case("16-MV4", "metering", "A measurand that the version does not know"),
    # -- local list
    Case("16-042-1", "local_list", "The version of a station without a local list"),
    Case("16-042-2", "local_list", "The version of an empty local list"),
    Case("16-043-4", "local_list", "A full list"),
    Case("16-043-5", "local_list", "A differential update"),
    Case("16-043-1", "local_list", "A station that supports no local list"),
    Case("16-043-3", "local_list", "A failed update, and a wrong version"),
    # -- firmware, diagnostics
    Case("16-044-1", "firmware", "Firmware update"),
    Case("16-044-2", "firmware", "The firmware's download fails"),
    Case("16-044-3", "firmware", "The firmware's installation fails"),
    Case("16-045-1", "diagnostics", "Diagnostics are uploaded"),
    Case("16-045-2", "diagnostics", "The upload of diagnostics fails"),
    # -- reservation
    Case("16-046", "reservation", "A reservation is used"),
    Case("16-047", "reservation", "A reservation expires"),
    Case("16-048-1", "reservation", "The connector to reserve is faulted"),
    Case("16-048-2", "reservation", "The connector to reserve is occupied"),
    Case("16-048-3", "reservation", "The connector to reserve is unavailable"),
    Case("16-048-4", "reservation", "The station rejects reservations"),
    Case("16-049", "reservation", "Reserve any connector"),
    Case("16-051", "reservation", "Cancel a reservation"),
    Case("16-052", "reservation", "Cancel a reservation that the station does not have"),
    Case("16-053", "reservation", "Another card of the group uses the reservation"),
    # -- trigger, smart charging, data transfer
    Case("16-054", "remote_control", "Trigger each message"),
    Case("16-055", "remote_control", "A trigger is rejected or not implemented"),
    Case("16-056", "smart_charging", "A default profile"),
    Case("16-057", "smart_charging", "A profile of a session"),
    Case("16-059", "smart_charging", "Remote start with a profile"),
    Case("16-066", "smart_charging", "The composite schedule"),
    Case("16-067", "smart_charging", "Clear profiles by id and by criteria"),
    Case("16-064", "data_transfer", "Data of a vendor that the server does not know"),
    # -- security
    Case("16-085", "security", "The password of a station, right, wrong, missing, and of another station"),
    Case("16-086", "security", "TLS with the server's certificate"),
    Case("16-087", "security", "Certificate of the station"),
    Case("16-088", "security", "The version is agreed upon in the handshake"),
    Case("16-073", "security", "Another password: accepted, refused, and lost on the way"),
    Case("16-074", "certificates", "A new certificate of the station"),
    Case("16-077", "certificates", "The station refuses its new certificate"),
    Case("16-078", "certificates", "The station refuses the server's certificate"),
    Case("16-075-1", "certificates", "Install and list a manufacturer's root"),
    Case("16-075-2", "certificates", "Install and list a root of the server"),
    Case("16-076", "certificates", "Delete a certificate"),
    Case("16-079", "diagnostics", "The security log is uploaded"),
    Case("16-080", "firmware", "Signed firmware update"),
    Case("16-081", "firmware", "The firmware's signature is invalid"),
    Case("16-083", "security", "A higher security profile, and a station that comes back without it"),
    Case("16-SEC", "security", "Security events of every type, also late ones"),
    Case("16-AK", "security", "The password is never shown among the keys"),
    Case("16-CHG", "data_transfer", "Prices and Plug & Charge in data of a vendor", "tariffs"),
)


def _cases_2x() -> tuple[Case, ...]:
    cases = []
    for line in _LIST_2X.read_text("utf-8").splitlines():
        number, block, title, asked, since = line.split(" | ")
        cases.append(Case(number, block, title, asked=asked, since=since))
    return tuple(cases)


CASES_2X: Final = _cases_2x()


def ids_in(name: str) -> list[str]:
    """The cases that the name of a test names."""
    found = _ID_2X.findall(name)
    for base, parts in _ID.findall(name):
        found += [f"16-{base}-{part}" for part in parts.split("_")[1:]] or [f"16-{base}"]
    return found


def named_tests() -> dict[str, list[str]]:
    """The tests of each case that is named anywhere in this folder, in the order of their files."""
    tests: dict[str, list[str]] = {}
    for path in sorted(_FOLDER.rglob("test_*.py")):
        place = f"tests/conformance/{path.relative_to(_FOLDER).as_posix()}"
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for case in ids_in(node.name):
                    tests.setdefault(case, []).append(f"{place}::{node.name}")
    return tests
