"""Operations that go: the headers Deprecation (RFC 9745) and Sunset (RFC 8594), and their description."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.utils.http import http_date

# A deprecated operation works at least this long: docs/api.md promises it.
NOTICE: Final = timedelta(days=365)
POLICY: Final = "/api/docs/"


@dataclass(frozen=True, kw_only=True)
class Deprecation:
    """An operation that is replaced. Raises ValueError for a notice that is too short.

    `since` is the day of the release that announces it, `sunset` the first day without it. `instead` names
    the operation to use, such as `POST /api/v1/chargepoints/{client_id}/reset`.
    """

    since: date
    sunset: date
    instead: str

    def __post_init__(self) -> None:
        if self.sunset - self.since < NOTICE:
            raise ValueError(f"The sunset {self.sunset} is less than {NOTICE.days} days after {self.since}.")
        if not self.instead:
            raise ValueError("A deprecated operation names the one to use instead.")

    @property
    def sentence(self) -> str:
        return (
            f"Deprecated since {self.since}: use `{self.instead}`. "
            f"The operation is removed on {self.sunset} at the earliest."
        )

    def headers(self) -> dict[str, str]:
        """The headers of every answer of the operation."""
        return {
            "Deprecation": f"@{_seconds(self.since)}",
            "Sunset": http_date(_seconds(self.sunset)),
            "Link": f'<{POLICY}>; rel="deprecation"; type="text/html"',
        }


def _seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


def of(view: Any, method: str) -> Deprecation | None:
    """The deprecation of the operation that a view runs for this HTTP method."""
    name = getattr(view, "action", None) or method.lower()
    found: Deprecation | None = getattr(getattr(view, name, None), "deprecation", None)
    return found
