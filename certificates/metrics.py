"""Certificates, for Prometheus."""

from __future__ import annotations

from typing import Final

from django.utils import timezone

from certificates.services.certificates import expiry
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
