"""Get15118EVCertificate (2.x M01, M02): contract certificates for vehicles, from the providers.

A vehicle of ISO 15118-20 takes several contracts, each with a request of its own that is otherwise the same
(2.1 M01.FR.04 to 07). What the provider had is kept for these requests, in this process: after a change of
the process the provider is asked again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from certificates.services.certificates.contract_providers import providers
from certificates.services.certificates.provided import Asked, Contract, NoContract, ProviderFailed

KEPT_S: Final = 300.0
MOST_KEPT: Final = 1000
# An EXI of a contract is less than 17,000 characters; a vehicle may ask for any number of contracts.
MOST_CONTRACTS: Final = 10


class Failed(NamedTuple):
    """No certificate: a reasonCode of OCPP, and a sentence."""

    code: str
    sentence: str


class Given(NamedTuple):
    """A contract for the vehicle, and how many others it may still ask for."""

    exi: str
    remaining: int


class _Kept(NamedTuple):
    until: float
    contracts: Sequence[Contract]


class Vehicles:
    """The contracts that vehicles have not asked for yet, by station and request."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    async def next(self, station_pk: int, asked: Asked, most_characters: int) -> Given | Failed:
        """The next contract of the vehicle. The same one is next until `taken` is called."""
        key = _key(station_pk, asked)
        kept = self._kept.get(key)
        if kept is not None and kept.until > time.monotonic():
            return _fitting(kept.contracts, most_characters)
        try:
            found = (await providers.contracts(asked))[: asked.most]
        except NoContract as error:
            return Failed("NoContract", str(error))
        except ProviderFailed as error:
            return Failed("ProviderFailed", str(error))
        if len(found) > 1:
            self._keep(key, found)
        return _fitting(found, most_characters)

    def taken(self, station_pk: int, asked: Asked) -> None:
        """The station has got the contract that was next."""
        key = _key(station_pk, asked)
        kept = self._kept.pop(key, None)
        if kept is not None and len(kept.contracts) > 1:
            self._kept[key] = _Kept(kept.until, kept.contracts[1:])

    def _keep(self, key: str, found: Sequence[Contract]) -> None:
        if len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = _Kept(time.monotonic() + KEPT_S, found)


def _fitting(contracts: Sequence[Contract], most_characters: int) -> Given | Failed:
    exi = contracts[0].exi
    if len(exi) > most_characters:
        return Failed("TooLargeElement", f"The answer has {len(exi):,} characters; {most_characters:,} fit.")
    return Given(exi, len(contracts) - 1)


def _key(station_pk: int, asked: Asked) -> str:
    return hashlib.sha256(f"{station_pk}|{asked.schema}|{asked.action}|{asked.exi}".encode()).hexdigest()


vehicles: Final = Vehicles()
