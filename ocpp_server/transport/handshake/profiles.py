"""The security profile of a handshake: one of those that a station may use (1.6 whitepaper, 2.x A00).

A station has one profile. While it is changed, the next one is admitted too (A05):

- a higher one until the station has proved one of the two: a station that was away for long must be able to
  return with it;
- a lower one (2.1, from 3 to 2) until its time is up.

TLS in front of a station of profile 0 or 1 is no other profile (decision 0110).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

# From this profile on, a connection needs TLS.
WITH_TLS: Final = 2
WITH_CERTIFICATE: Final = 3
WITH_PASSWORD: Final = frozenset({1, 2})


@dataclass(frozen=True, slots=True)
class Pinned:
    """The profile of a station, and the next one while it is changed: with it until `until`."""

    profile: int
    following: int | None = None
    until: datetime | None = None

    def admitted(self, now: datetime) -> tuple[int, ...]:
        """The profiles that the station may use, the highest first."""
        following = self.following
        if following is None or following == self.profile:
            return (self.profile,)
        is_late = self.until is not None and self.until < now
        if following < self.profile and is_late:
            return (self.profile,)
        return tuple(sorted({self.profile, following}, reverse=True))


def chosen(pinned: Pinned, now: datetime, *, is_tls: bool, has_login: bool, has_certificate: bool) -> int:
    """The profile whose rules a handshake has to meet: the highest admitted one that it can be, else that of
    the station, whose refusal names what is missing.

    From 0 to 1 the transport does not change: the rules are those of 0, and a proved password is profile 1
    (`reached`).
    """
    for profile in pinned.admitted(now):
        if profile >= WITH_CERTIFICATE and is_tls and has_certificate:
            return profile
        if profile == WITH_TLS and is_tls and has_login:
            # A station of profile 1 behind a proxy with TLS looks the same, and is as safe.
            return profile
        if profile < WITH_TLS:
            return min(profile, pinned.profile)
    return pinned.profile


def reached(profile: int, *, has_password: bool) -> int:
    """The profile of a handshake that has met the rules of `profile`."""
    return int(has_password) if profile == 0 else profile


def proves(pinned: Pinned, profile: int, now: datetime) -> bool:
    """Whether a handshake at this profile ends the change: it is the next one, or the station has returned at
    its present one after the time in which the change may still be under way.
    """
    if pinned.following is None:
        return False
    return profile == pinned.following or (pinned.until is not None and pinned.until < now)


def without_tls(profile: int) -> str:
    """The reason to refuse a connection without TLS."""
    return f"Security profile {profile} needs TLS, this connection has none."
