"""Trusted roots over REST."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from certificates.models import InstalledCertificate, TrustRoot
from chargepoints.models import ChargePoint
from ocpp_server.pki import hash_data, parsing
from tests.api.conftest import Caller
from tests.unit.pki.made import Made, make

ROOTS = "/api/v1/certificates/roots"


def pem(made: Made) -> str:
    return parsing.pem_of(made.certificate)


@pytest.fixture
def made() -> Made:
    return make("Yard Root", is_ca=True)


@pytest.fixture
def root(administrator: Caller, made: Made) -> TrustRoot:
    answer = administrator.post(ROOTS, {"kind": "csms", "certificate": pem(made)})
    assert answer.status_code == 201, answer.content
    return TrustRoot.objects.get(pk=answer.info["id"])


def test_a_root_is_added_listed_disabled_and_deleted(
    administrator: Caller, viewer: Caller, made: Made
) -> None:
    answer = administrator.post(ROOTS, {"kind": "v2g", "certificate": f"  {pem(made)}\n"})

    path = answer["Location"]
    assert (answer.status_code, path) == (201, f"{ROOTS}/{answer.info['id']}")
    assert (answer.info["name"], answer.info["kind"], answer.info["isEnabled"]) == ("Yard Root", "v2g", True)
    assert answer.info["sha256"] == parsing.sha256(made.certificate)
    assert answer.info["certificate"] == pem(made)
    changed = administrator.patch(path, {"isEnabled": False, "name": "Old root"})
    assert (changed.info["isEnabled"], changed.info["name"]) == (False, "Old root")
    assert [one["id"] for one in viewer.get(f"{ROOTS}?isEnabled=false&search=old").info["roots"]] == [
        answer.info["id"]
    ]
    assert administrator.delete(path).status_code == 200
    assert administrator.get(path).status_code == 404


def test_a_root_that_ends_soon_is_found(administrator: Caller) -> None:
    for name, days in (("Soon", 20.0), ("Late", 400.0)):
        administrator.post(ROOTS, {"kind": "mo", "certificate": pem(make(name, is_ca=True, days=(-1, days)))})
    before = (datetime.now(UTC) + timedelta(days=30)).isoformat()

    found = administrator.get(f"{ROOTS}?expiresBefore={before.replace('+', '%2B')}").info["roots"]

    assert [one["name"] for one in found] == ["Soon"]


def test_only_administrators_change_roots(operator: Caller, root: TrustRoot, made: Made) -> None:
    assert operator.post(ROOTS, {"kind": "mo", "certificate": pem(made)}).status_code == 403
    assert operator.patch(f"{ROOTS}/{root.pk}", {"isEnabled": False}).status_code == 403
    assert operator.delete(f"{ROOTS}/{root.pk}").status_code == 403


_CA = make("CA", is_ca=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing", "PEM"),
        (pem(make("Sub", by=_CA, is_ca=True)), "another issuer"),
        (pem(make("Leaf")), "not the certificate of a CA"),
        (pem(make("Old", is_ca=True, days=(-9, -1))), "has expired"),
        (pem(make("Short", is_ca=True, key=rsa.generate_private_key(65537, 1024))), "too short"),
        (pem(make("Forged", by=make("Forged", is_ca=True), is_ca=True)), "not signed with its own key"),
        (pem(_CA) + "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n", "private key"),
        (pem(_CA) * 2, "one certificate"),
    ],
)
def test_what_is_no_root_is_refused(administrator: Caller, text: str, words: str) -> None:
    answer = administrator.post(ROOTS, {"kind": "csms", "certificate": text})

    assert (answer.status_code, answer.info["errors"][0]["field"]) == (400, "certificate")
    assert words in answer.info["errors"][0]["reason"]
    assert not TrustRoot.objects.exists()


def test_a_root_is_there_once_for_each_kind(administrator: Caller, root: TrustRoot, made: Made) -> None:
    again = administrator.post(ROOTS, {"kind": "csms", "certificate": pem(made)})
    other = administrator.post(ROOTS, {"kind": "v2g", "certificate": pem(made)})

    assert (again.status_code, again.info["code"], other.status_code) == (409, "duplicate", 201)


def test_a_root_in_use_is_not_deleted(administrator: Caller, root: TrustRoot, garage: ChargePoint) -> None:
    row = InstalledCertificate.objects.create(
        charge_point=garage, type="CSMSRootCertificate", state="accepted", root=root, since=datetime.now(UTC)
    )

    refused = administrator.delete(f"{ROOTS}/{root.pk}")
    row.delete()

    assert (refused.status_code, refused.info["code"]) == (409, "in-use")
    assert "1 stations have it" in refused.json()["message"]
    assert administrator.delete(f"{ROOTS}/{root.pk}").status_code == 200


def test_the_cross_signed_form_of_a_new_root(administrator: Caller, root: TrustRoot, made: Made) -> None:
    new = make("New Root", is_ca=True)
    number = administrator.post(ROOTS, {"kind": "csms", "certificate": pem(new)}).info["id"]
    crossed = make("New Root", by=made, key=new.key, is_ca=True)

    stored = administrator.patch(f"{ROOTS}/{number}", {"crossSignedCertificate": pem(crossed)})
    signer = administrator.delete(f"{ROOTS}/{root.pk}")
    removed = administrator.patch(f"{ROOTS}/{number}", {"crossSignedCertificate": ""})

    assert (stored.info["crossSignedCertificate"], stored.info["crossSignedById"]) == (pem(crossed), root.pk)
    assert signer.status_code == 409
    assert (removed.info["crossSignedCertificate"], removed.info["crossSignedById"]) == ("", None)


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (lambda old, new: make("New Root", by=old, is_ca=True), "key of this root"),
        (lambda old, new: make("Other", by=old, key=new.key, is_ca=True), "key of this root"),
        (lambda old, new: make("New Root", by=old, key=new.key), "not the certificate of a CA"),
        (lambda old, new: make("New Root", by=_CA, key=new.key, is_ca=True), "No other CSMS root"),
        (lambda old, new: new, "No other CSMS root"),
    ],
)
def test_a_wrong_cross_signed_form_is_refused(  # noqa: PLR0917
    administrator: Caller, root: TrustRoot, made: Made, of: object, words: str
) -> None:
    new = make("New Root", is_ca=True)
    number = administrator.post(ROOTS, {"kind": "csms", "certificate": pem(new)}).info["id"]

    text = pem(of(made, new))  # type: ignore[operator]
    answer = administrator.patch(f"{ROOTS}/{number}", {"crossSignedCertificate": text})

    assert (answer.status_code, answer.info["errors"][0]["field"]) == (400, "crossSignedCertificate")
    assert words in answer.info["errors"][0]["reason"]


def test_a_new_root_is_found_at_the_stations_that_have_it(
    administrator: Caller, garage: ChargePoint, made: Made
) -> None:
    data = hash_data.of(made.certificate, made.certificate, "SHA384")
    row = InstalledCertificate.objects.create(
        charge_point=garage,
        type="CSMSRootCertificate",
        state="installed",
        algorithm="SHA384",
        issuer_name_hash=data.issuer_name_hash,
        issuer_key_hash=data.issuer_key_hash,
        serial=data.serial,
        reported=data.wire(),
        since=datetime.now(UTC),
    )

    number = administrator.post(ROOTS, {"kind": "csms", "certificate": pem(made)}).info["id"]

    row.refresh_from_db()
    assert (row.root_id, row.sha256) == (number, parsing.sha256(made.certificate))
    path = "/api/v1/chargepoints/GARAGE%201/certificates"
    (shown,) = administrator.get(f"{path}?rootId={number}&isCurrent=true").info["certificates"]
    assert (shown["isKnown"], shown["certificateHashData"]) == (True, data.wire())
