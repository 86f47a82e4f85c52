"""Validate VAT numbers (2.1 C25) by the checker that OCPP_VAT_CHECKER names, within a time limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

import structlog

from tariffs.services.payment import vat_forms
from tariffs.services.tariff.pricing import imported

log = structlog.get_logger(__name__)

_SETTING: Final = "OCPP_VAT_CHECKER"
# The answer of a look-up counts for a day. The memory holds so many numbers.
KEPT_S: Final = 24 * 3600
MOST_KEPT: Final = 1000
_ACCEPTED, _REJECTED = "Accepted", "Rejected"
# The limits of the schema for the company of an answer.
_LIMITS: Final = {
    "name": 50, "address1": 100, "address2": 100, "city": 100, "postalCode": 20, "country": 50,
}  # fmt: skip
_REQUIRED: Final = ("name", "address1", "city", "country")


class Verdict(NamedTuple):
    """Whether a VAT number is valid. `reason` is a code of at most 20 characters, `sentence` explains it.

    `company` has the fields of OCPP's AddressType: name, address1, address2, postalCode, city, country.
    """

    is_valid: bool
    reason: str = ""
    sentence: str = ""
    company: Mapping[str, str] | None = None

    @property
    def status(self) -> str:
        return _ACCEPTED if self.is_valid else _REJECTED


# Looks up a normal VAT number: capitals, with the prefix of its country, no separators. The form is checked
# already. It must not block, and may raise anything where the service can't be reached.
Checker = Callable[[str], Awaitable[Verdict]]

UNKNOWN_COUNTRY: Final = Verdict(
    False, "UnknownCountry", "The number does not begin with the prefix of a country of the European Union."
)
INVALID_FORM: Final = Verdict(False, "InvalidForm", "The number does not have the form of its country.")
FORM_ONLY: Final = Verdict(True, "FormOnly", "Only the form of the number was checked.")
UNREACHABLE: Final = Verdict(False, "Unreachable", "The number can't be looked up at the moment.")


class VatChecker:
    """Checks the form, and asks the configured checker about numbers whose form is right."""

    def __init__(self) -> None:
        self._checker: Checker | None = None
        self._limit_s = 0.0
        self._known: dict[str, tuple[float, Verdict]] = {}

    def load(self, path: str, *, limit_s: float) -> None:
        """Use the checker with this import path; none for an empty one. Raises ImproperlyConfigured."""
        self._checker, self._limit_s = imported(path, _SETTING) if path else None, limit_s
        self._known.clear()

    async def verdict(self, number: str) -> Verdict:
        """The verdict about a number as the station sent it.

        Without a checker, a number of the right form is valid, and the reason says that nothing else was
        checked. A checker that fails or takes too long rejects the number: a receipt for a company must not
        rest on a guess.
        """
        normal = vat_forms.normal(number)
        if not vat_forms.has_known_country(normal):
            return UNKNOWN_COUNTRY
        if not vat_forms.is_well_formed(normal):
            return INVALID_FORM
        if self._checker is None:
            return FORM_ONLY
        known = self._known.get(normal)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        try:
            async with asyncio.timeout(self._limit_s):
                verdict = fitting(await self._checker(normal))
        except TimeoutError:
            log.warning("vat_checker.timeout", seconds=self._limit_s)
            return UNREACHABLE
        except Exception as error:
            # The error's own text may repeat the number, which is personal for a sole trader.
            log.warning("vat_checker.failed", error=type(error).__name__)
            return UNREACHABLE
        self._remember(normal, verdict)
        return verdict

    def _remember(self, number: str, verdict: Verdict) -> None:
        if len(self._known) >= MOST_KEPT:
            del self._known[next(iter(self._known))]
        self._known[number] = (time.monotonic() + KEPT_S, verdict)


def fitting(verdict: Verdict) -> Verdict:
    """The verdict with texts that fit the schema; without a company whose required parts are missing."""
    given = verdict.company or {}
    company = {name: str(given[name])[:most] for name, most in _LIMITS.items() if given.get(name)}
    is_whole = all(name in company for name in _REQUIRED)
    return verdict._replace(
        reason=verdict.reason[:20], sentence=verdict.sentence[:1024], company=company if is_whole else None
    )


checker: Final = VatChecker()
