"""Commands about the certificates of stations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from certificates.models import InstalledCertificate
from certificates.serializers.installed import InstalledCertificateSerializer
from chargepoints.models import Command
from ocpp_server.pki import hash_data, parsing
from ocpp_server.storage.journal import journal
from tests.conformance.every.answers.cases import Case, Shown, State, equal
from tests.conformance.every.answers.subjects import Subject, fields_of, of, shown
from tests.unit.pki.made import make

_ROOT = make("Root", is_ca=True)
_TYPE = "CSMSRootCertificate"
# The fields for any station.
ROOT_FIELDS = {"certificateType": _TYPE, "certificate": parsing.pem_of(_ROOT.certificate)}


@of("install-certificate")
class Installing(Subject):
    """A certificate is there once the station has accepted it; a refusal has its reason."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        return ROOT_FIELDS

    async def check(self, case: Case, row: Command) -> None:
        wanted = {State.ACCEPTED: [("accepted", False)], State.REJECTED: [("refused", True)]}
        rows = [(state, bool(reason)) for state, reason in await _rows(case)]
        equal("the certificates", rows, wanted.get(State(row.state), []))

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        equal("the last certificate", (await _rows(case))[0], ("accepted", ""))


@of("delete-certificate")
class Deleting(Subject):
    """A certificate stays until the station has deleted it, or says that it does not have it."""

    async def prepare(self, case: Case) -> dict[str, Any]:
        data = hash_data.of(_ROOT.certificate, _ROOT.certificate)
        made = await journal.run(
            lambda: InstalledCertificate.objects.create(
                charge_point_id=case.pk,
                type=_TYPE,
                state="installed",
                algorithm=data.algorithm,
                issuer_name_hash=data.issuer_name_hash,
                issuer_key_hash=data.issuer_key_hash,
                serial=data.serial,
                reported=data.wire(),
                since=datetime.now(UTC),
            )
        )
        return {"certificateId": made.pk}

    async def check(self, case: Case, row: Command) -> None:
        wanted = {State.ACCEPTED: "deleted", State.EMPTY: "missing"}.get(State(row.state), "installed")
        equal("the certificate", [state for state, _reason in await _rows(case)], [wanted])

    async def again(self, case: Case, row: Command) -> dict[str, Any] | None:
        """One that is gone is not found."""
        return None if row.state in (State.ACCEPTED, State.EMPTY) else case.fields

    async def check_again(self, case: Case, row: Command, second: Shown) -> None:
        equal("the certificate", [state for state, _reason in await _rows(case)], ["deleted"])


async def _rows(case: Case) -> list[tuple[Any, ...]]:
    rows = InstalledCertificate.objects.filter(charge_point=case.pk).order_by("-pk")
    return fields_of(await shown(InstalledCertificateSerializer, rows), "state", "reason")
