"""The lists of the API, with functions that make their rows, for the test of their pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db.models import Model

from accounts.models import ApiKey, ApiKeyRequest, AuditEntry, Contract, Member, Token, TokenGroup, User
from chargepoints.models import (
    Campaign,
    CampaignStation,
    ChargePoint,
    Command,
    FollowUp,
    Message,
    Note,
    ReportAssembly,
    Site,
)
from configuration.models import LocalList
from tests.api.conftest import NOON
from tests.api.kit import (
    listed,
    listed_aggregates,
    listed_alerts,
    listed_certificates,
    listed_evidence,
    listed_notices,
    listed_sandbox,
    listed_webhooks,
)
from tests.direct.readings import stored
from tests.direct.reservations import a_reservation
from tests.direct.samples import decoded
from transactions.models import AccessRule, Reading, Refusal, Reservation, Transaction


def moment(number: int) -> datetime:
    """The time of a row: three rows share each, as rows that are written at once do."""
    return NOON + timedelta(seconds=number // 3)


def some_moment(number: int) -> datetime | None:
    return None if number % 3 == 0 else moment(number)


class Parents:
    """The rows that the rows of the lists belong to. They stay."""

    def __init__(self) -> None:
        self.station = ChargePoint.objects.create(identity="~parent")
        self.person = User.objects.create(username="~parent", name="~parent")
        self.contract = Contract.objects.create(contract_id="~parent")
        self.session = self.a_session(1_000_000)
        self.key = ApiKey.objects.create(name="~parent", prefix="ocs_", digest="~parent")
        self.site = Site.objects.create(name="~parent")
        self.campaign = self.a_campaign(0)
        self.alert = listed_alerts.a_parent(self)
        self.template = listed.a_template(self, 0)
        self.firmware = listed.a_firmware(self, 0)
        self.root = listed_certificates.a_root(self, -1)
        self.webhook = listed_webhooks.a_webhook(self, -1)
        self.root_set = listed_certificates.a_parent_set(self.root)

    def a_session(self, number: int) -> Transaction:
        at = moment(number % 1000)
        return Transaction.objects.create(
            id=1000 + number,
            ocpp_id=str(number),
            charge_point=self.station,
            started_at=at,
            start_received_at=at,
            last_message_at=at,
        )

    def a_contract(self, number: int) -> Contract:
        contract = Contract.objects.create(
            contract_id=f"C-{number}", name=f"N{number % 2}", valid_until=some_moment(number)
        )
        Member.objects.create(contract=contract, user=self.person, role=Member.Role.MEMBER)
        return contract

    def a_command(self, number: int) -> Command:
        return Command.objects.create(
            id=uuid4(),
            charge_point=self.station,
            action="Reset",
            payload={},
            created_at=moment(number),
            deadline_at=moment(number),
        )

    def a_campaign(self, number: int) -> Campaign:
        return Campaign.objects.create(name=f"N{number}", kind="command", arguments={}, deadline_at=NOON)

    def a_token(self, number: int) -> Token:
        return Token.objects.create(uid=f"U-{number}", user=self.person)


@dataclass(frozen=True)
class Rows:
    """Adds and changes rows of a list, and maps the fields of the answer to fields of the row."""

    add: Callable[[Parents, int], Model]
    # A column that no ordering uses; empty if a change of the row is enough, None if it is never changed.
    change: str | None
    field: str = "id"
    column: str | Callable[[Any], str] = "pk"
    parent: Callable[[Parents], object] | None = None


def a_station(parents: Parents, number: int) -> ChargePoint:
    return ChargePoint.objects.create(
        identity=f"CP-{number}",
        vendor=f"V{number % 2}",
        is_online=bool(number % 2),
        last_seen_at=some_moment(number),
    )


def a_message(parents: Parents, number: int) -> Message:
    return Message.objects.create(
        charge_point=parents.station,
        direction="in",
        action="Heartbeat",
        request="{}",
        size=2,
        message_id=str(number),
        at=moment(number),
    )


def a_reading(parents: Parents, number: int) -> Reading:
    return stored(
        charge_point=parents.station,
        transaction=parents.session,
        measurand="Voltage",
        raw=str(number),
        measured_at=moment(number),
        received_at=NOON,
    )


def raw_of(reading: Any) -> str:
    (sample,) = decoded(reading.samples)
    return str(sample["raw"])


def a_follow_up(parents: Parents, number: int) -> FollowUp:
    return FollowUp.objects.create(
        charge_point=parents.station,
        action="NotifyReport",
        payload="{}",
        fingerprint=str(number),
        received_at=moment(number),
    )


def a_report(parents: Parents, number: int) -> ReportAssembly:
    return ReportAssembly.objects.create(
        charge_point=parents.station,
        action="NotifyReport",
        request_id=number,
        started_at=moment(number),
        last_at=moment(number),
    )


def a_rule(parents: Parents, number: int) -> AccessRule:
    token = Token.objects.create(uid=f"R-{number}")
    return AccessRule.objects.create(token=token, site=parents.site, effect="allow")


def a_local_list(parents: Parents, number: int) -> LocalList:
    return LocalList.objects.create(charge_point=a_station(parents, number))


def a_reservation_of(parents: Parents, number: int) -> Reservation:
    at = moment(number)
    return a_reservation(parents.station, number, requested_at=at, updated_at=at)


def a_refusal(parents: Parents, number: int) -> Refusal:
    return Refusal.objects.create(
        charge_point=parents.station,
        id_token=f"R-{number}",
        purpose="contract",
        status="Invalid",
        reason="The contract certificate is revoked.",
        at=moment(number // 3),
    )


def a_group(parents: Parents, number: int) -> TokenGroup:
    return TokenGroup.objects.create(group_id=f"G-{number}", name=f"N{number % 2}", contract=parents.contract)


def a_user(parents: Parents, number: int) -> User:
    return User.objects.create(username=f"u{number}", name=f"N{number % 2}", email=f"{number}@x.org")


def of_station(parents: Parents) -> object:
    return parents.station.identity


def of_person(parents: Parents) -> object:
    return parents.person.pk


def a_station_of_a_campaign(parents: Parents, number: int) -> CampaignStation:
    return CampaignStation.objects.create(
        campaign=parents.campaign, charge_point=a_station(parents, number), not_before=NOON
    )


def a_request(parents: Parents, number: int) -> ApiKeyRequest:
    return ApiKeyRequest.objects.create(
        key=parents.key, at=moment(number), method="GET", path="/clients", status=200, duration_ms=1
    )


LISTS = {
    "alerts": Rows(listed_alerts.an_alert, "detail"),
    "alerts/{alert_id}/notes": Rows(listed_alerts.a_note, "author", parent=lambda parents: parents.alert.pk),
    "alert-rules": Rows(listed_alerts.a_rule, "note"),
    "access-rules": Rows(a_rule, "note"),
    "api-keys": Rows(
        lambda _, number: ApiKey.objects.create(name=f"K{number}", prefix="ocs_", digest=f"{number}"),
        "prefix",
    ),
    "audit-log": Rows(
        lambda _, number: AuditEntry.objects.create(
            actor="ann", door="rest", action=f"a{number}", path="/", status=200, at=moment(number)
        ),
        "actor",
    ),
    "api-keys/{key_id}/requests": Rows(a_request, "address", parent=lambda parents: parents.key.pk),
    "aggregates/connectors": Rows(listed_aggregates.a_connector, "", "evseId", "evse_number"),
    "aggregates/contracts": Rows(Parents.a_contract, "issuer", "contractId", "contract_id"),
    "aggregates/sites": Rows(lambda _, number: Site.objects.create(name=f"S{number}"), "city", "siteId"),
    "aggregates/stations": Rows(a_station, "serial_number", "clientId", "identity"),
    "aggregates/uptime": Rows(listed_aggregates.an_evse, "", "evseId", "number"),
    "campaigns": Rows(Parents.a_campaign, "actor"),
    "campaigns/{campaign_id}/stations": Rows(
        a_station_of_a_campaign,
        "detail",
        "clientId",
        lambda row: row.charge_point.identity,
        parent=lambda parents: parents.campaign.pk,
    ),
    "certificates/root-sets": Rows(listed_certificates.a_root_set, "vendor"),
    "certificates/root-sets/{root_set_id}/lacking-stations": Rows(
        a_station, "serial_number", "clientId", "identity", parent=lambda parents: parents.root_set.pk
    ),
    "certificates/roots": Rows(listed_certificates.a_root, "subject"),
    "certificates/revocations": Rows(listed_certificates.a_revoked_one, "subject"),
    "certificates/revocation-lists": Rows(listed_certificates.a_revocation_list, "issuer"),
    "chargepoints": Rows(a_station, "serial_number", "clientId", "identity"),
    "chargepoints/{client_id}/battery-swaps": Rows(listed.a_swap, "reason", parent=of_station),
    "chargepoints/{client_id}/certificates": Rows(
        listed_certificates.an_installed_one, "reason", parent=of_station
    ),
    "chargepoints/{client_id}/charging-limits": Rows(listed.a_limit, "source", parent=of_station),
    "chargepoints/{client_id}/charging-plans": Rows(
        listed.a_plan, "energy_transfer", "transactionId", parent=of_station
    ),
    "chargepoints/{client_id}/charging-profiles": Rows(listed.a_profile, "kind", parent=of_station),
    "chargepoints/{client_id}/commands": Rows(Parents.a_command, "status", "requestId", parent=of_station),
    "chargepoints/{client_id}/der-alarms": Rows(listed.an_alarm, "info", parent=of_station),
    "chargepoints/{client_id}/der-controls": Rows(listed.a_control, "control_type", parent=of_station),
    "chargepoints/{client_id}/desired-values": Rows(listed.a_desired_value, "reason", parent=of_station),
    "chargepoints/{client_id}/device-events": Rows(listed.a_device_event, "tech_code", parent=of_station),
    "chargepoints/{client_id}/event-streams": Rows(listed.an_event_stream, "interval", parent=of_station),
    "chargepoints/{client_id}/display-messages": Rows(listed.a_display_message, "reason", parent=of_station),
    "chargepoints/{client_id}/follow-ups": Rows(a_follow_up, "status", parent=of_station),
    "chargepoints/{client_id}/logs": Rows(listed.a_log, "fault", parent=of_station),
    "chargepoints/{client_id}/messages": Rows(a_message, "error_code", parent=of_station),
    "chargepoints/{client_id}/monitors": Rows(listed.a_monitor, "kind", parent=of_station),
    "chargepoints/{client_id}/notes": Rows(
        lambda parents, number: Note.objects.create(
            charge_point=parents.station, text=str(number), author="A"
        ),
        "text",
        parent=of_station,
    ),
    "alert-notices": Rows(listed_notices.a_notice, "error"),
    "alert-recipients": Rows(listed_notices.an_alert_recipient, "address"),
    "certificates/authority-requests": Rows(listed.an_authority_request, "reason"),
    "certificates/issued": Rows(listed.an_issued_certificate, "revocation_reason"),
    "certificates/signing-requests": Rows(listed.a_signing_request, "reason"),
    "chargepoints/{client_id}/published-firmware": Rows(listed.a_publication, "reason", parent=of_station),
    "chargepoints/{client_id}/reported-values": Rows(listed.a_reported_value, "value", parent=of_station),
    "chargepoints/{client_id}/reports": Rows(a_report, "state", parent=of_station),
    "chargepoints/{client_id}/security-profile-changes": Rows(
        listed.a_profile_change, "reason", parent=of_station
    ),
    "chargepoints/{client_id}/stream-messages": Rows(listed.a_stream_message, "pending", parent=of_station),
    "chargepoints/{client_id}/tariffs": Rows(listed.a_tariff, "reason", parent=of_station),
    "commands": Rows(Parents.a_command, "status", "requestId"),
    "configuration/drift": Rows(listed.a_desired_value, "reason"),
    "configuration/templates": Rows(listed.a_template, "description"),
    "configuration/templates/{template_id}/assignments": Rows(
        listed.an_assignment, "", parent=lambda parents: parents.template.pk
    ),
    "contracts": Rows(Parents.a_contract, "issuer"),
    "deviations": Rows(listed_evidence.a_deviation, "detail"),
    "firmware": Rows(listed.a_firmware, "uploaded_by"),
    "firmware/{firmware_id}/downloads": Rows(
        listed.a_download, "client_address", parent=lambda parents: parents.firmware.pk
    ),
    "firmware-updates": Rows(listed.an_update, "fault"),
    "local-lists": Rows(a_local_list, "reason", "clientId", lambda row: row.charge_point.identity),
    "maintenance-windows": Rows(listed_aggregates.a_window, "note"),
    "network-profiles": Rows(listed.a_network_profile, "reason"),
    "outages": Rows(listed_aggregates.an_outage, "error_code"),
    "payments": Rows(listed.a_payment, "status_info"),
    "quarantine": Rows(listed_evidence.a_quarantined_message, "detail"),
    "refused-connections": Rows(listed_evidence.a_refused_connection, "subprotocols"),
    "refused-tokens": Rows(a_refusal, "evse_number"),
    "reservations": Rows(a_reservation_of, "reason"),
    "sandbox/stations": Rows(
        listed_sandbox.a_virtual_station, "problem", "clientId", lambda row: row.identity
    ),
    "security-events": Rows(listed.a_security_event, "tech_info"),
    "session-costs": Rows(listed.a_cost, "failure", "transactionId"),
    "settlements": Rows(listed_evidence.a_settlement, None),
    "sites": Rows(lambda _, number: Site.objects.create(name=f"S{number}"), "city"),
    "token-groups": Rows(a_group, ""),
    "tokens": Rows(Parents.a_token, "visual_number"),
    "transactions": Rows(Parents.a_session, "stop_reason", "transactionId"),
    "transactions/{transaction_id}/meter-values": Rows(
        a_reading, "soc_percent", "raw", raw_of, parent=lambda parents: parents.session.pk
    ),
    "unknown-tokens": Rows(listed_evidence.an_unknown_token, "last_seen_where"),
    "users": Rows(a_user, "phone"),
    "users/{user_id}/contracts": Rows(Parents.a_contract, "issuer", parent=of_person),
    "web-payments": Rows(listed.a_web_payment, "failure"),
    "webhooks": Rows(listed_webhooks.a_webhook, "last_error"),
    "webhooks/{webhook_id}/deliveries": Rows(
        listed_webhooks.a_delivery, "error", parent=lambda parents: parents.webhook.pk
    ),
    "users/{user_id}/tokens": Rows(Parents.a_token, "visual_number", parent=of_person),
}
