"""The price of a session: a function that OCPP_PRICE names. Fills the port `Price`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from tariffs.services.tariff.amounts import amount

log = structlog.get_logger(__name__)

# The cost of a session so far, or in all once it has ended, with tax; None where it has no price.
Pricing = Callable[[Station, TransactionState], Decimal | None]

_SETTING: Final = "OCPP_PRICE"


class Pricer:
    """The price of sessions by one function. Without a function no price is known."""

    def __init__(self) -> None:
        self._pricing: Pricing | None = None

    def load(self, path: str) -> None:
        """Use the function with this import path; none for an empty one. Raises ImproperlyConfigured."""
        self._pricing = imported(path, _SETTING) if path else None

    def total_cost(self, station: Station, ocpp_id: str) -> Decimal | None:
        """The cost of a session with tax; None where no price is known, or where the function has failed: an
        answer without a cost is allowed, a session without an answer is not (2.0.1 I03).
        """
        if self._pricing is None:
            return None
        transaction = newest(station, ocpp_id)
        if transaction is None:
            return None
        try:
            return amount(self._pricing(station, transaction))
        except Exception:
            log.exception("price.failed", station=station.identity, transaction=transaction.id)
            return None


pricer: Final = Pricer()


def newest(station: Station, ocpp_id: str) -> TransactionState | None:
    """The session that the station names so, the newest if it used the id before."""
    known = [one for one in station.transactions.values() if one.ocpp_id == ocpp_id]
    return max(known, key=lambda one: one.generation, default=None)


def imported(path: str, setting: str) -> Any:
    """The function of an import path. Raises ImproperlyConfigured with the name of the setting."""
    try:
        found = import_string(path)
    except Exception as error:
        sentence = f"{setting}: {path} can't be imported ({type(error).__name__}: {error})."
        raise ImproperlyConfigured(sentence) from error
    if not callable(found):
        raise ImproperlyConfigured(f"{setting}: {path} is no function.")
    return found
