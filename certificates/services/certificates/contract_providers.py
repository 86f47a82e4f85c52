"""Contract certificate providers (2.x M01, M02): the pools that have the certificates of contracts.

The requests and answers of vehicles (EXI) are passed on as they are. OCPP_CONTRACT_PROVIDERS names a file
with the providers in their order, as JSON:

    [
      {"name": "Pool", "url": "https://pool.example.com", "token": "..."},
      {"name": "Other", "url": "https://other.example.com", "tokenUrl": "https://login.example.com/oauth/token",
       "clientId": "...", "clientSecret": "...", "apiKey": "..."},
      {"name": "Own", "function": "our_pool.contracts.of_vehicle"}
    ]
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from certificates.services.certificates import opcp
from certificates.services.certificates.provided import Asked, Contract, NoContract, ProviderFailed
from ocpp_server.observability.measures import Spread, Tally

log = structlog.get_logger(__name__)

_SETTING: Final = "OCPP_CONTRACT_PROVIDERS"
# Pauses in seconds before the second and the third try, after an error of the provider itself.
RETRIES_S: Final = (0.2, 0.5)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Provider = Callable[[Asked], Awaitable[Sequence[Contract]]]

# Requests by provider and outcome: ok, none (no contract for the vehicle), failed.
outcomes: Final = Tally("provider", "outcome")
latency: Final = Spread(_SECONDS)


class _Named(NamedTuple):
    name: str
    provider: Provider


class ContractProviders:
    """The configured providers; there may be none."""

    def __init__(self) -> None:
        self._providers: list[_Named] = []
        self._limit_s = 0.0

    def load(self, path: Path | None, *, limit_s: float) -> None:
        """Use the providers of this file. Raises ImproperlyConfigured with the reason, without secrets."""
        self._limit_s = limit_s
        self._providers = [] if path is None else [_made(one) for one in _read(path)]

    async def contracts(self, asked: Asked) -> Sequence[Contract]:
        """The contracts of the first provider that has any, within the time limit for all. Raises NoContract
        where every provider says that the vehicle has none, otherwise ProviderFailed.
        """
        if not self._providers:
            raise ProviderFailed("No contract certificate provider is configured.")
        failure: ProviderFailed | None = None
        try:
            async with asyncio.timeout(self._limit_s):
                for one in self._providers:
                    try:
                        return await _ask(one, asked)
                    except NoContract:
                        outcomes.add(one.name, "none")
                    except ProviderFailed as error:
                        failure = error
        except TimeoutError:
            log.warning("contract_provider.timeout", seconds=self._limit_s)
            raise ProviderFailed(f"No provider answered within {self._limit_s:g} s.") from None
        raise failure or NoContract("No provider has a contract for this vehicle.")


async def _ask(one: _Named, asked: Asked) -> Sequence[Contract]:
    began = time.perf_counter()
    try:
        found = await _with_retries(one.provider, asked)
    except ProviderFailed as error:
        outcomes.add(one.name, "failed")
        log.warning("contract_provider.failed", provider=one.name, reason=str(error))
        raise
    finally:
        latency.add(time.perf_counter() - began)
    outcomes.add(one.name, "ok")
    return found


async def _with_retries(provider: Provider, asked: Asked) -> Sequence[Contract]:
    for pause_s in (*RETRIES_S, None):
        try:
            found = [one for one in await provider(asked) if _BASE64.fullmatch(one.exi)]
        except (NoContract, ProviderFailed) as error:
            if pause_s is None or isinstance(error, NoContract) or not error.may_pass:
                raise
            await asyncio.sleep(pause_s)
            continue
        except Exception as error:
            # Of a plug-in. Its text may repeat what the vehicle sent.
            raise ProviderFailed(f"The provider failed ({type(error).__name__}).") from error
        if not found:
            raise NoContract("The provider has no contract for this vehicle.")
        return found
    raise AssertionError("the last try raises")


def _read(path: Path) -> list[Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"{_SETTING}: {path} can't be read ({type(error).__name__}).") from None
    if not isinstance(found, list):
        raise ImproperlyConfigured(f"{_SETTING}: {path} must have a list of providers.")
    return found


def _made(given: Any) -> _Named:
    if not isinstance(given, Mapping) or not all(isinstance(one, str) for one in given.values()):
        raise ImproperlyConfigured(f"{_SETTING}: a provider must be an object of texts.")
    name = given.get("name") or given.get("url") or given.get("function") or ""
    if path := given.get("function"):
        try:
            return _Named(name, import_string(path))
        except ImportError as error:
            raise ImproperlyConfigured(f"{_SETTING}: {path} can't be imported ({error}).") from error
    try:
        return _Named(name, opcp.Pool(given).contracts)
    except ValueError as error:
        raise ImproperlyConfigured(f"{_SETTING}: {name or 'a provider'}: {error}.") from None


providers: Final = ContractProviders()
