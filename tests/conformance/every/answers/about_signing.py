"""Commands about certificates that our CA signs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from certificates.models import CertificateAuthority, IssuedCertificate, SigningRequest
from chargepoints.models import Command
from ocpp_server.pki import parsing
from ocpp_server.storage.journal import journal
from tests.conformance.every.answers.cases import Case, Shown, State, equal
from tests.conformance.every.answers.subjects import Subject, of
from tests.unit.pki.made import make

_CA = make("CA", is_ca=True)


@of("send-certificate")
class Sending(Subject):
    """A certificate is installed once the station has accepted it; a refusal has its reason."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        return {"signingRequestId": await journal.run(_signed, case)}

    async def check(self, case: Case, row: Command) -> None:
        wanted = {State.ACCEPTED: ("installed", "installed"), State.REJECTED: ("refused", "refused")}
        found = await journal.run(_states, case)
        equal("the states", found, wanted.get(State(row.state), ("sent", "issued")))

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        equal("the states", await journal.run(_states, case), ("installed", "installed"))


def _signed(case: Case) -> int:
    now = datetime.now(UTC)
    leaf = make(case.station.row.identity, by=_CA).certificate
    authority, _ = CertificateAuthority.objects.get_or_create(
        sha256=parsing.sha256(_CA.certificate),
        defaults={
            "name": "CA",
            "key_type": "ecdsa",
            "key_name": "ca",
            "certificate": parsing.pem_of(_CA.certificate),
            "not_before": now,
            "not_after": now + timedelta(days=9),
        },
    )
    issued = IssuedCertificate.objects.create(
        authority=authority,
        charge_point_id=case.pk,
        type=IssuedCertificate.Type.STATION,
        serial=format(leaf.serial_number, "x"),
        sha256=parsing.sha256(leaf),
        certificate=parsing.pem_of(leaf),
        not_before=now,
        not_after=now + timedelta(days=9),
    )
    return SigningRequest.objects.create(
        charge_point_id=case.pk,
        type=issued.type,
        csr="CSR",
        state="signed",
        certificate=issued,
        created_at=now,
        updated_at=now,
    ).pk


def _states(case: Case) -> tuple[str, str]:
    row = SigningRequest.objects.select_related("certificate").get(charge_point=case.pk)
    assert row.certificate is not None
    return row.state, row.certificate.state


@of("renew-certificate")
class Renewing(Subject):
    """A station that has not implemented the trigger is asked again only by force."""

    async def again(self, case: Case, row: Command) -> dict[str, Any] | None:
        return case.fields | {"force": True}
