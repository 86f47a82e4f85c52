"""Needs of a command, compared with the reports of a station about itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from django.utils.translation import gettext

from ocpp_server.ports import Port
from ocpp_server.protocol.versions import in_dialect

_PROFILES: Final = "SupportedFeatureProfiles"


class Reports(Protocol):
    """The reports of stations about themselves. The app `configuration` fills the port."""

    def values(self, charge_point_pk: int, names: Collection[str]) -> Mapping[str, str]:
        """The reported values of these keys (1.6) or variables (2.x, `Component.Variable`).

        Case makes no difference; the result has the names as they were asked for, and only the known ones.
        Uses the database.
        """


reports = Port[Reports]("Reports")


@dataclass(frozen=True)
class Needs:
    """Abilities that a command requires. A station that has reported nothing about them is not refused.

    `profile` is a part of SupportedFeatureProfiles (1.6). `variable` is a variable that must not be reported
    as false (2.x), such as DisplayMessageCtrlr.Available.
    """

    profile: str = ""
    variable: str = ""

    def names(self, version: str) -> tuple[str, ...]:
        """The keys or variables to look up for a station of this version."""
        name = in_dialect(version, self.profile and _PROFILES, self.variable)
        return (name,) if name else ()

    def unmet(self, version: str, reported: Mapping[str, str]) -> str:
        """Why the station does not support it; empty if it does or has not reported it."""
        for name in self.names(version):
            value = reported.get(name, "").strip()
            parts = {part.strip().casefold() for part in value.split(",")}
            if value and in_dialect(
                version, self.profile.casefold() not in parts, value.casefold() == "false"
            ):
                return gettext("This station does not support it, because it reports %(report)s.") % {
                    "report": in_dialect(
                        version,
                        gettext("%(name)s without %(profile)s") % {"name": name, "profile": self.profile},
                        f"{name}={value}",
                    )
                }
        return ""
