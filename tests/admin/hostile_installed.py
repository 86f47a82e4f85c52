"""A row of every model of installed certificates and roots with the text of `tests.admin.hostile`."""

from __future__ import annotations

from typing import Any

from certificates.models import (
    InstalledCertificate,
    RevocationList,
    RevokedCertificate,
    RootSet,
    TrustRoot,
)
from chargepoints.models import ChargePoint, Command
from tests.admin.rows import NOON


def rows(station: ChargePoint, command: Command, bad: str) -> list[Any]:
    """The rows, with the text `bad` in every text column."""
    root = TrustRoot.objects.create(
        name=bad[:100],
        kind="csms",
        certificate=bad,
        cross_signed=bad,
        sha256=bad[:64],
        subject=bad[:500],
        not_before=NOON,
        not_after=NOON,
    )
    return [
        root,
        InstalledCertificate.objects.create(
            charge_point=station,
            command=command,
            type="CSMSRootCertificate",
            state="refused",
            reason=bad[:600],
            reported={"x": bad},
            children=[{"x": bad}],
            algorithm=bad[:8],
            issuer_name_hash=bad[:128],
            issuer_key_hash=bad[:128],
            serial=bad[:40],
            root=root,
            certificate=bad,
            sha256=bad[:64],
            subject=bad[:500],
            since=NOON,
            ended_at=NOON,
        ),
        RevokedCertificate.objects.create(
            issuer=bad[:500], issuer_hash=bad[:64], serial=bad[:40], subject=bad[:500], note=bad[:200]
        ),
        RevocationList.objects.create(
            name=bad[:100],
            url=bad[:500],
            issuer=bad[:500],
            issuer_hash=bad[:64],
            issuer_certificate=bad,
            content=b"",
            sha256=bad[:64],
            entries=1,
            this_update=NOON,
            fetch_error=bad[:500],
        ),
        RootSet.objects.create(name=bad[:100], vendor=bad[:255], model=bad[:255]),
    ]
