"""A row of every model with texts that a browser would run."""

from __future__ import annotations

import json
from typing import Any

from accounts.models import (
    ApiKeyRequest,
    AuditEntry,
    Contract,
    IdempotentRequest,
    Member,
    Person,
    Token,
    TokenGroup,
    UnknownToken,
    User,
)
from accounts.services import api_keys
from chargepoints.models import (
    BatterySwap,
    Campaign,
    CampaignStation,
    Command,
    Deviation,
    DeviceEvent,
    DisplayMessage,
    FollowUp,
    LogUpload,
    Message,
    Note,
    RefusedConnection,
    ReportAssembly,
    SecurityEvent,
    SecurityProfileChange,
    Site,
    SwappedBattery,
)
from events.models import Event
from tests.admin import (
    hostile_aggregates,
    hostile_alerts,
    hostile_charging,
    hostile_configuration,
    hostile_firmware,
    hostile_installed,
    hostile_notices,
    hostile_webhooks,
)
from tests.admin.rows import NOON, a_session, a_station, person
from tests.direct.readings import stored
from transactions.models import (
    AccessRule,
    Counter,
    QuarantinedMessage,
    Refusal,
    RemoteStart,
    Reservation,
    Settlement,
    Transaction,
    TransactionEvent,
)

HOSTILE = """<script>alert(1)</script>"><img src=x onerror=alert(2)>{{7*7}}'"""


def rows() -> dict[type, Any]:
    """One row of every model with hostile text in every text column."""
    bad = HOSTILE
    station = a_station(
        bad,
        vendor=bad,
        model=bad,
        name=bad,
        serial_number=bad,
        firmware_version=bad,
        status=bad[:64],
        is_online=True,
    )
    station.connectors.update(status=bad[:64], error_code=bad, info=bad, vendor_error_code=bad)
    session = a_session(
        station, 1000, id_token=bad, ocpp_id=bad, stop_reason=bad[:64], suspect=True, suspect_reasons=[bad]
    )
    command = Command.objects.create(
        id=bad[:36],
        charge_point=station,
        action=bad[:64],
        payload={"x": bad},
        actor=bad,
        status=bad[:64],
        response={"x": bad},
        error_description=bad,
        created_at=NOON,
        deadline_at=NOON,
    )
    site = Site.objects.create(name=bad[:100], address=bad, city=bad[:45])
    charger = Person.objects.create(username=bad, name=bad, phone=bad[:32])
    contract = Contract.objects.create(contract_id=bad[:36], name=bad, issuer=bad[:64])
    Member.objects.create(contract=contract, user=charger, role="owner")
    token = Token.objects.create(
        uid=bad, name=bad, group_id=bad[:20], user=charger, contract=contract, visual_number=bad[:64]
    )
    Transaction.objects.filter(pk=session.pk).update(
        token=token, authorization_reason=bad, stop_authorization_reason=bad
    )
    both = {"at": NOON, "received_at": NOON}
    campaign = Campaign.objects.create(
        name=bad[:100],
        kind="command",
        arguments={"command": bad, "fields": {bad: bad}},
        actor=bad[:150],
        pause_reason=bad,
        deadline_at=NOON,
    )
    CampaignStation.objects.create(
        campaign=campaign,
        charge_point=station,
        command=command,
        state="failed",
        reason="error",
        detail=bad,
        not_before=NOON,
    )
    firmware, download = hostile_firmware.files(station, campaign, bad)
    swap = BatterySwap.objects.create(
        charge_point=station,
        number=1,
        id_token=bad,
        id_token_type=bad[:32],
        reason=bad,
        actor=bad[:150],
        created_at=NOON,
    )
    SwappedBattery.objects.create(
        swap=swap,
        way="in",
        slot=1,
        serial_number=bad[:50],
        soc=1.0,
        soh=1.0,
        vendor_info=bad,
        refusal=bad[:20],
        at=NOON,
    )
    rows: list[Any] = [
        campaign,
        firmware,
        download,
        station,
        station.evses.get(),
        station.connectors.get(),
        session,
        command,
        Message.objects.create(
            charge_point=station,
            direction="in",
            message_id=bad,
            action=bad[:64],
            request=bad,
            response=bad,
            error_code=bad[:64],
            error_description=bad,
            size=1,
            at=NOON,
        ),
        FollowUp.objects.create(
            charge_point=station,
            command=command,
            action=bad[:64],
            request_id=1,
            reference=bad,
            status=bad[:64],
            payload=bad,
            fingerprint="1",
            received_at=NOON,
        ),
        LogUpload.objects.create(
            charge_point=station,
            command=command,
            kind="DiagnosticsLog",
            actor=bad[:150],
            state="failed",
            status=bad[:64],
            fault=bad,
            file_name=bad,
            stored_as="1-0123456789abcdef",
            created_at=NOON,
            expires_at=NOON,
            updated_at=NOON,
        ),
        Note.objects.create(charge_point=station, text=bad, author=bad[:150]),
        DisplayMessage.objects.create(
            charge_point=station,
            number=1,
            priority=bad[:16],
            station_state=bad[:16],
            transaction=bad[:36],
            format=bad[:16],
            language=bad[:8],
            content=bad,
            extra=[bad],
            display={"name": bad},
            reason=bad,
            actor=bad[:150],
            created_at=NOON,
        ),
        *hostile_firmware.rows(station, command, firmware, bad),
        swap,
        *hostile_charging.rows(station, session, command, bad),
        *hostile_installed.rows(station, command, bad),
        *hostile_alerts.rows(station, site, bad),
        *hostile_notices.rows(bad),
        ReportAssembly.objects.create(
            charge_point=station, action=bad[:64], request_id=1, started_at=NOON, last_at=NOON
        ),
        RefusedConnection.objects.create(
            identity=bad,
            remote_address=bad[:64],
            path=bad,
            subprotocols=bad,
            code=404,
            reason=bad,
            can_be_accepted=True,
            at=NOON,
        ),
        Deviation.objects.create(
            charge_point=station,
            kind=bad[:64],
            action=bad[:64],
            path=bad,
            detail=bad,
            example=bad,
            count=1,
            first_at=NOON,
            last_at=NOON,
        ),
        SecurityProfileChange.objects.create(
            charge_point=station,
            previous=1,
            target=2,
            reason=bad[:500],
            steps=[{"state": bad, "at": bad, "answer": bad}],
            csms_url=bad,
            justification=bad[:255],
            window=900,
            actor=bad[:150],
            first_command=bad[:36],
            created_at=NOON,
            stepped_at=NOON,
        ),
        SecurityEvent.objects.create(charge_point=station, type=bad, tech_info=bad, **both),
        Event.objects.create(
            uid="evt_1",
            type="security.reported",
            station=bad,
            position=1,
            sequence=1,
            data=json.dumps(bad),
            at=NOON,
        ),
        *hostile_webhooks.rows(bad),
        DeviceEvent.objects.create(
            charge_point=station,
            event_id=1,
            component=bad,
            variable=bad,
            actual_value=bad,
            kind=bad[:32],
            ocpp_transaction_id=bad[:36],
            **both,
        ),
        TransactionEvent.objects.create(
            transaction=session,
            seq_no=1,
            type=bad[:16],
            trigger_reason=bad[:64],
            fingerprint=1,
            payload=bad,
            **both,
        ),
        stored(
            charge_point=station,
            transaction=session,
            measurand=bad[:64],
            raw=bad,
            raw_unit=bad[:64],
            measured_at=NOON,
            received_at=NOON,
        ),
        QuarantinedMessage.objects.create(
            charge_point=station,
            transaction=session,
            action=bad[:64],
            reason="bad-message",
            detail=bad,
            payload=bad,
            received_at=NOON,
        ),
        RemoteStart.objects.create(
            command=command, charge_point=station, id_token=bad, created_at=NOON, expires_at=NOON
        ),
        Reservation.objects.create(
            command=command,
            charge_point=station,
            number=815,
            id_token=bad,
            group_id=bad[:36],
            requested_at=NOON,
            expires_at=NOON,
            updated_at=NOON,
        ),
        Settlement.objects.create(
            transaction=session,
            fix="ignore",
            actor=bad[:150],
            reason=bad,
            before={"energy_wh": 1.0, "suspect_reasons": [bad]},
            after={"energy_wh": 2.0},
        ),
        Counter.objects.create(name="transaction", value=1000),
        *hostile_configuration.rows(station, bad),
        *hostile_aggregates.rows(station, contract, bad),
        site,
        charger,
        contract,
        token,
        TokenGroup.objects.create(group_id=bad[:20], name=bad, contract=contract),
        AccessRule.objects.create(token=token, site=site, note=bad),
        Refusal.objects.create(
            charge_point=station,
            token=token,
            id_token=bad,
            purpose="start",
            status=bad[:32],
            reason=bad,
            at=NOON,
        ),
        UnknownToken.objects.create(
            uid=bad, uid_key=bad.casefold(), last_seen_where=bad, first_seen_at=NOON, last_seen_at=NOON
        ),
        IdempotentRequest.objects.create(
            actor=bad, key=bad, fingerprint="f", status_code=200, answer={"x": bad}
        ),
        key := api_keys.create(name=bad)[0],
        ApiKeyRequest.objects.create(
            key=key, at=NOON, method="GET", path=bad, status=200, duration_ms=1, address=bad[:64]
        ),
        AuditEntry.objects.create(
            actor=bad[:150], door="rest", action=bad[:128], path=bad, status=200, sent_fields=[bad]
        ),
        person(User.Role.VIEWER, first_name=bad, last_name=bad),
    ]
    return {type(row): row for row in rows}
