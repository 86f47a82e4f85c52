"""Certification paths: each fault has its reason, with the subject of the certificate at fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from ocpp_server.pki import paths
from ocpp_server.pki.paths import Fault, PathRefused
from tests.unit.pki.made import Made, make

NOW = datetime.now(UTC)
ROOT = make("Root", is_ca=True)
SUB = make("Sub", by=ROOT, is_ca=True)
LEAF = make("CP-1", by=SUB)
FAR = timedelta(days=400)


def test_a_path_leads_over_the_ca_to_the_root() -> None:
    found = paths.verify(LEAF.certificate, [SUB.certificate], [ROOT.certificate], at=NOW)

    assert found == [LEAF.certificate, SUB.certificate, ROOT.certificate]


REFUSED: dict[str, tuple[Made, list[Made], list[Made], datetime, Fault]] = {
    "expired": (make("A", by=SUB, days=(-9, -1)), [SUB], [ROOT], NOW, Fault.EXPIRED),
    "not yet valid": (make("A", by=SUB, days=(1, 9)), [SUB], [ROOT], NOW, Fault.NOT_YET_VALID),
    "expired CA": (
        make("A", by=(old := make("Old", by=ROOT, is_ca=True, days=(-9, -1)))), [old], [ROOT], NOW,
        Fault.EXPIRED,
    ),
    "expired root": (LEAF, [SUB], [ROOT], NOW + FAR, Fault.EXPIRED),
    "without its CA": (LEAF, [], [ROOT], NOW, Fault.UNKNOWN_ISSUER),
    "without a root": (LEAF, [SUB], [], NOW, Fault.UNKNOWN_ISSUER),
    "another root": (LEAF, [SUB], [make("Other", is_ca=True)], NOW, Fault.UNKNOWN_ISSUER),
    "a root that came with it": (LEAF, [SUB, ROOT], [make("Other", is_ca=True)], NOW, Fault.SELF_SIGNED),
    "self-signed": (make("CP-1"), [], [ROOT], NOW, Fault.SELF_SIGNED),
    "another key of the same name": (LEAF, [make("Sub", by=ROOT, is_ca=True)], [ROOT], NOW,
                                     Fault.BAD_SIGNATURE),
    "a leaf as CA": (make("B", by=LEAF), [LEAF, SUB], [ROOT], NOW, Fault.NOT_A_CA),
    "a CA without keyCertSign": (
        make("B", by=(wrong := make("Wrong", by=ROOT, is_ca=True, signs=False))), [wrong], [ROOT], NOW,
        Fault.NOT_A_CA,
    ),
    "a short RSA key": (make("A", by=SUB, key=rsa.generate_private_key(65537, 1024)), [SUB], [ROOT], NOW,
                        Fault.WEAK_KEY),
    "a CA beyond the path length": (
        make("B", by=(deep := make("Deep", by=(flat := make("Flat", by=ROOT, is_ca=True, length=0)),
                                   is_ca=True))), [deep, flat], [ROOT], NOW, Fault.INVALID,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_path_is_refused_with_its_reason(case: str) -> None:
    leaf, others, roots, at, fault = REFUSED[case]

    with pytest.raises(PathRefused) as refused:
        paths.verify(
            leaf.certificate,
            [one.certificate for one in others],
            [one.certificate for one in roots],
            at=at,
        )

    assert refused.value.fault is fault
    assert str(refused.value).endswith(".")
