"""The CA certificates that prove others: trusted roots, by their kind."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache

from cryptography import x509

from certificates.models import TrustRoot
from ocpp_server.storage.journal import journal

CONTRACTS = frozenset({TrustRoot.Kind.MO, TrustRoot.Kind.V2G})


async def roots(kinds: Collection[str] = tuple(TrustRoot.Kind)) -> list[x509.Certificate]:
    """The enabled roots of these kinds, each once."""
    return loaded(await journal.run(_enabled, tuple(kinds)))


def loaded(pems: Iterable[str]) -> list[x509.Certificate]:
    """These certificates, each once."""
    return [_loaded(pem) for pem in dict.fromkeys(pems)]


def _enabled(kinds: tuple[str, ...]) -> list[str]:
    rows = TrustRoot.objects.filter(is_enabled=True, kind__in=kinds).order_by("pk")
    return list(rows.values_list("certificate", flat=True))


@lru_cache(maxsize=256)
def _loaded(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())
