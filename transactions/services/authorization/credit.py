"""A port: what a prepaid token may still spend (2.1 C17). Unless an app fills it, no token is prepaid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from ocpp_server.live.records import TokenRecord
from ocpp_server.ports import Port


@dataclass(frozen=True, slots=True)
class Credit:
    """The credit of a prepaid token, in the currency of its tariff. At zero and below it may not start.

    `limits` are further limits of the next session (2.1 TransactionLimitType): maxEnergy in Wh, maxTime in
    seconds, maxSoC in percent.
    """

    balance: float
    limits: Mapping[str, float] = field(default_factory=dict)


class CreditAccounts(Protocol):
    """The accounts of prepaid tokens."""

    def credit(self, token: TokenRecord) -> Credit | None:
        """The credit of a token; None for one that is not prepaid.

        Called with every token that a station presents, in the event loop: it must not block.
        """


class _NoPrepaidTokens:
    def credit(self, token: TokenRecord) -> Credit | None:
        return None


port: Final = Port[CreditAccounts]("CreditAccounts", default=_NoPrepaidTokens())
