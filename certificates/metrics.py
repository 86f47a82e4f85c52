"""The figures of certificates: ends, OCSP responders, providers of contract certificates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.utils import timezone
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from certificates.services.certificates import contract_providers, expiry, ocsp
from ocpp_server.observability.families import counters, histogram
from ocpp_server.observability.fleet import Family, Figures, Part

_DAY_S: Final = 86_400


def figures() -> Figures:
    """The database's figures. Raises DatabaseError."""
    now = timezone.now()
    ends = expiry.first_ends()
    return {
        "expiry": [(labels, (end - now).total_seconds() / _DAY_S) for labels, end in sorted(ends.items())]
    }


FLEET: Final = Part(
    figures,
    (
        Family(
            "expiry",
            "ocpp_certificate_expiry_days",
            "Days until the first certificate in use ends, by kind and type; below 0 after its end.",
            ("kind", "type"),
        ),
    ),
)


class PlugAndChargeCollector(Collector):
    """OCSP responders and providers of contract certificates, as this process has met them."""

    def collect(self) -> Iterator[Metric]:
        yield counters(
            "ocpp_ocsp_requests",
            "Questions about the revocation of a certificate: stored, fetched, untrusted (a response that "
            "proves nothing), refused (an address that is not allowed), failed (no answer).",
            ocsp.outcomes,
        )
        yield histogram("ocpp_ocsp_seconds", "How long OCSP responders took to answer.", {(): ocsp.latency})
        yield counters(
            "ocpp_contract_provider_requests",
            "Requests to providers of contract certificates: ok, none (no contract for the vehicle), failed.",
            contract_providers.outcomes,
        )
        yield histogram(
            "ocpp_contract_provider_seconds",
            "How long providers of contract certificates took, their retries included.",
            {(): contract_providers.latency},
        )
