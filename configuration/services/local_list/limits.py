"""Whether a station has a local list, and how long it may be, by what the station has reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from ocpp_server.capabilities import Needs
from ocpp_server.protocol.translate import local_list

NEEDS: Final = Needs(profile="LocalAuthListManagement", variable="LocalAuthListCtrlr.Available")
# The limits of a station that has reported none. 1.6 9.3 and 2.0.1 D01 require both reports.
USUAL_CAPACITY: Final = 1000
USUAL_ITEMS: Final = 100
_LONGEST_NUMBER: Final = 9


class Abilities(NamedTuple):
    """`lacking` is why the station has no list, empty if it has one. `capacity` is None if not reported."""

    lacking: str
    capacity: int | None

    @property
    def is_known(self) -> bool:
        """Whether the station must not be asked before an update."""
        return not self.lacking and self.capacity is not None


def abilities(version: str, reported: Mapping[str, str]) -> Abilities:
    """The abilities by the keys or variables of `local_list.limit_names` and `NEEDS`."""
    lacking = NEEDS.unmet(version, reported)
    enabled = local_list.enabled_name(version)
    if not lacking and reported.get(enabled, "").strip().casefold() == "false":
        lacking = f"The station reports {enabled}=false: its local list is switched off."
    text = reported.get(local_list.capacity_name(version), "").strip()
    is_number = text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER
    return Abilities(lacking, int(text) if is_number else None)
