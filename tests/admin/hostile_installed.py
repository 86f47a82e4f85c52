"""A row of every model of installed certificates and roots with the text of `tests.admin.hostile`."""

from __future__ import annotations

from typing import Any

from certificates.models import InstalledCertificate, RootSet, TrustRoot
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
        RootSet.objects.create(name=bad[:100], vendor=bad[:255], model=bad[:255]),
    ]
