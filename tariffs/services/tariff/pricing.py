"""The price of a session and the tariff of a driver, by functions of settings. Fills the port `Price`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from ocpp_server import capabilities
from ocpp_server.live.records import TransactionState
from ocpp_server.live.station import Station
from ocpp_server.protocol import schemas
from ocpp_server.protocol.translate import IdToken
from ocpp_server.protocol.versions import V21
from ocpp_server.storage.journal import journal
from tariffs.services.tariff import local_costs, running
from tariffs.services.tariff.amounts import amount

log = structlog.get_logger(__name__)

# The cost of a session so far, or in all once it has ended, with tax; None where it has no price.
Pricing = Callable[[Station, TransactionState], Decimal | None]

# The tariff of the driver with a token, as OCPP 2.1 has it (TariffType); None where the driver has none.
DriverTariffs = Callable[[Station, IdToken], Mapping[str, Any] | None]

_PRICE, _DRIVER = "OCPP_PRICE", "OCPP_DRIVER_TARIFF"
_ENABLED: Final = local_costs.ENABLED_TARIFF


class Pricer:
    """The price of sessions by one function. Without a function no price is known."""

    def __init__(self) -> None:
        self._pricing: Pricing | None = None
        self._driver_tariffs: DriverTariffs | None = None

    def load(self, path: str, driver_path: str = "") -> None:
        """Use the functions with these import paths; none for an empty one. Raises ImproperlyConfigured."""
        self._pricing = imported(path, _PRICE) if path else None
        self._driver_tariffs = imported(driver_path, _DRIVER) if driver_path else None

    async def total_cost(self, station: Station, ocpp_id: str) -> Decimal | None:
        """The cost of a session with tax for the answer to its event; None where no price is known, and where
        the station calculates the cost (2.1 I12).
        """
        if self._pricing is None:
            return None
        transaction = newest(station, ocpp_id)
        if transaction is None or await local_costs.applies(station, transaction, station.received_at):
            return None
        cost = self.cost(station, transaction)
        if cost is not None:
            running.note(station, transaction, cost, station.received_at)
        return cost

    def cost(self, station: Station, transaction: TransactionState) -> Decimal | None:
        """The cost of a session with tax; None where no price is known, or where the function has failed: an
        answer without a cost is allowed, a session without an answer is not (2.0.1 I03).
        """
        if self._pricing is None:
            return None
        try:
            return amount(self._pricing(station, transaction))
        except Exception:
            log.exception("price.failed", station=station.identity, transaction=transaction.id)
            return None

    async def driver_tariff(self, station: Station, token: IdToken) -> dict[str, Any] | None:
        """The tariff of a driver for one session. None where there is none, where the station has switched
        tariffs off, or where OCPP does not allow it: the token is accepted in any case.
        """
        if self._driver_tariffs is None:
            return None
        try:
            found = self._driver_tariffs(station, token)
            if found is None:
                return None
            # I08.FR.09: the tariff of a driver has no validFrom.
            tariff = {name: value for name, value in found.items() if name != "validFrom"}
            schemas.outgoing(
                V21, "ChangeTransactionTariff", "request", {"transactionId": "", "tariff": tariff}
            )
        except Exception:
            log.exception("driver_tariff.failed", station=station.identity)
            return None
        reported = await journal.run(capabilities.reports.app.values, station.pk, (_ENABLED,))
        return None if reported.get(_ENABLED, "").strip().casefold() == "false" else tariff


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
