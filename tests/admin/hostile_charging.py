"""A row of every model of smart charging and of tariffs with the text of `tests.admin.hostile`."""

from __future__ import annotations

from typing import Any

from certificates.models import AuthorityRequest, CertificateAuthority, IssuedCertificate, SigningRequest
from chargepoints.models import ChargePoint, Command
from smart_charging.models import ChargingPlan, DerAlarm, DerControl, ExternalLimit, InstalledProfile
from tariffs.models import Payment, SessionCost, StationTariff, WebPayment, WebPaymentKey
from tests.admin.rows import NOON
from transactions.models import Transaction


def rows(station: ChargePoint, session: Transaction, command: Command, bad: str) -> list[Any]:
    """The rows, with the text `bad` in every text column."""
    return [
        InstalledProfile.objects.create(
            charge_point=station,
            command=command,
            transaction=session,
            profile_id=1,
            evse_number=1,
            purpose=bad[:64],
            stack_level=0,
            kind=bad[:32],
            payload={"x": bad},
            source=bad[:64],
            dynamic={"x": bad},
            installed_at=NOON,
        ),
        StationTariff.objects.create(
            charge_point=station,
            command=command,
            tariff_id=bad[:60],
            evse_number=1,
            tariff={"x": bad},
            state="refused",
            status=bad[:32],
            reason=bad[:255],
            set_at=NOON,
            ended_at=NOON,
        ),
        SessionCost.objects.create(
            transaction=session,
            charge_point=station,
            currency=bad[:3],
            total_incl_tax=1,
            cost_type=bad[:32],
            failure=bad[:500],
            details={"x": bad},
            tariff_id=bad[:60],
            new_tariff={"x": bad},
            new_tariff_id=bad[:60],
            new_tariff_status=bad[:32],
            updated_at=NOON,
        ),
        Payment.objects.create(
            charge_point=station,
            transaction=session,
            psp_ref=bad[:255],
            ocpp_transaction_id=bad[:255],
            status=bad[:16],
            status_info=bad[:500],
            settled_at=NOON,
            receipt_id=bad[:50],
            receipt_url=bad,
            vat_number=bad[:20],
            company={"x": bad},
            received_at=NOON,
            updated_at=NOON,
        ),
        WebPayment.objects.create(
            charge_point=station,
            evse_number=1,
            totp_interval=1,
            state=bad[:16],
            psp_ref=bad[:255],
            command_id=bad[:36],
            failure=bad[:500],
            confirmed_by=bad[:150],
            opened_at=NOON,
            expires_at=NOON,
            updated_at=NOON,
        ),
        *certificates(station, bad),
        WebPaymentKey.objects.create(
            charge_point=station,
            sealed_secret=bad,
            validity_s=60,
            length=8,
            set_by=bad[:150],
            set_at=NOON,
        ),
        ExternalLimit.objects.create(
            id="limit",
            charge_point=station,
            evse_number=1,
            source=bad[:64],
            schedules=[{"x": bad}],
            set_at=NOON,
        ),
        ChargingPlan.objects.create(
            transaction=session,
            charge_point=station,
            needs={"x": bad},
            energy_transfer=bad[:64],
            reason=bad,
            vehicle_schedule={"x": bad},
            allowed_transfers=[bad],
            updated_at=NOON,
        ),
        DerControl.objects.create(
            id="control",
            charge_point=station,
            command=command,
            control_id=bad[:64],
            control_type=bad[:64],
            settings={"x": bad},
            updated_at=NOON,
        ),
        DerAlarm.objects.create(
            id="alarm",
            charge_point=station,
            control_type=bad[:64],
            fault=bad[:64],
            info=bad,
            opened_at=NOON,
            updated_at=NOON,
        ),
    ]


def certificates(station: ChargePoint, bad: str) -> list[Any]:
    """The rows of our CA; a station chooses the CSR and its names."""
    authority = CertificateAuthority.objects.create(
        name=bad[:100],
        key_type="rsa",
        key_name=bad[:100],
        certificate=bad,
        sha256=bad[:64],
        subject=bad[:500],
        state=bad[:16],
        not_before=NOON,
        not_after=NOON,
        crl=bad,
    )
    issued = IssuedCertificate.objects.create(
        authority=authority,
        charge_point=station,
        type=bad[:32],
        serial=bad[:40],
        sha256=bad[:64],
        key_sha256=bad[:64],
        subject=bad[:500],
        certificate=bad,
        chain=bad,
        state=bad[:16],
        not_before=NOON,
        not_after=NOON,
        revocation_reason=bad[:32],
    )
    request = SigningRequest.objects.create(
        charge_point=station,
        type=bad[:32],
        csr=bad,
        digest=bad[:64],
        key_sha256=bad[:64],
        common_name=bad[:255],
        authority=authority,
        state=bad[:16],
        reason=bad[:500],
        approved_by=bad[:150],
        certificate=issued,
        command_id=bad[:36],
        created_at=NOON,
        updated_at=NOON,
    )
    wish = AuthorityRequest.objects.create(
        organization=bad[:64],
        name=bad[:40],
        usage=bad[:16],
        state=bad[:16],
        reason=bad[:500],
        actor=bad[:150],
    )
    return [authority, issued, request, wish]
