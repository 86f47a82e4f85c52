"""Rows of the lists of certificates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from certificates.models import InstalledCertificate, RevocationList, RevokedCertificate, RootSet, TrustRoot
from tests.api.conftest import NOON


def a_root(parents: Any, number: int) -> TrustRoot:
    at = NOON + timedelta(seconds=number // 3)
    root = TrustRoot.objects.create(
        name=f"R{number}", kind="v2g", sha256=str(number), not_before=at, not_after=at
    )
    TrustRoot.objects.filter(pk=root.pk).update(created_at=at)
    return root


def an_installed_one(parents: Any, number: int) -> InstalledCertificate:
    return InstalledCertificate.objects.create(
        charge_point=parents.station,
        type=InstalledCertificate.Type.V2G,
        state=InstalledCertificate.State.ACCEPTED,
        since=NOON,
    )


def a_root_set(parents: Any, number: int) -> RootSet:
    row = RootSet.objects.create(name=f"S{number}", model="CP")
    RootSet.objects.filter(pk=row.pk).update(created_at=NOON + timedelta(seconds=number // 3))
    return row


def a_parent_set(root: TrustRoot) -> RootSet:
    """A set whose root all stations lack."""
    row = RootSet.objects.create(name="~parent")
    row.roots.add(root)
    return row


def a_revoked_one(parents: Any, number: int) -> RevokedCertificate:
    return RevokedCertificate.objects.create(issuer=f"CN=R{number}", issuer_hash="0", serial=f"{number:x}")


def a_revocation_list(parents: Any, number: int) -> RevocationList:
    return RevocationList.objects.create(name=f"L{number}", content=b"", entries=0, this_update=NOON)
