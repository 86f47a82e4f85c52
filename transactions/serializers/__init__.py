"""Serializers of transactions and reservations: camelCase; energy and meters in Wh, power in W, times RFC
3339 in UTC. And of access rules.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ocpp_server.api.fields import (
    AmountField,
    EnergyField,
    FlagField,
    ReadSerializer,
    StrictSerializer,
    TextField,
    TimeField,
    WholeField,
)
from ocpp_server.protocol.translate import transaction_limit
from transactions.models import AccessRule, Reservation, Settlement, Transaction
from transactions.serializers.limits import LIMITS
from transactions.services.transactions import history, proposing, settling

# The fixes of a suspect session, as the API spells them.
FIXES = [fix.value for fix in Settlement.Fix if fix != Settlement.Fix.END]
PROPOSED = "proposed"


class TransactionSerializer(ReadSerializer):
    transactionId = serializers.IntegerField(source="pk")
    ocppTransactionId = serializers.CharField(source="ocpp_id")
    clientId = serializers.CharField(source="charge_point.identity")
    evseId = serializers.IntegerField(source="evse_number", allow_null=True)
    connectorId = serializers.SerializerMethodField(help_text="1.6: the connector; 2.x: that of the EVSE.")
    idTag = serializers.CharField(source="id_token")
    idTagType = serializers.CharField(source="id_token_type")
    parentIdTag = serializers.CharField(source="group_id")
    authorizationStatus = serializers.CharField(source="authorization_status")
    authorizationReason = serializers.CharField(source="authorization_reason")
    status = serializers.ChoiceField(choices=Transaction.Status.values)
    endedBy = serializers.CharField(
        source="ended_by",
        help_text="station, superseded, abandoned, refused, interrupted, lost, operator, or empty.",
    )
    chargingState = serializers.CharField(source="charging_state")
    startTime = TimeField(source="started_at")
    stopTime = TimeField(source="stopped_at", allow_null=True)
    meterStart = AmountField(source="meter_start_wh", allow_null=True)
    meterStop = AmountField(source="meter_stop_wh", allow_null=True)
    meterLast = AmountField(source="meter_last_wh", allow_null=True)
    energyWh = AmountField(source="energy_wh")
    powerW = AmountField(source="power_w", allow_null=True)
    socPercent = AmountField(source="soc_percent", allow_null=True)
    stopReason = serializers.CharField(source="stop_reason")
    stopIdTag = serializers.CharField(source="stop_id_token")
    wasOffline = serializers.BooleanField(source="was_offline")
    interrupted = serializers.BooleanField(source="is_interrupted")
    suspect = serializers.BooleanField()
    suspectReasons = serializers.ListField(source="suspect_reasons", child=serializers.CharField())
    mergedInto = serializers.IntegerField(
        source="merged_into_id", allow_null=True, help_text="The session that has the energy of this one."
    )
    operationMode = serializers.CharField(source="operation_mode", help_text="2.1; empty if not reported.")
    stationTariffId = serializers.CharField(source="station_tariff_id", help_text="2.1: used by the station.")
    preconditioningStatus = serializers.CharField(source="preconditioning_status", help_text="2.1.")
    evseSleep = serializers.BooleanField(source="evse_sleep", allow_null=True, help_text="2.1.")
    limits = serializers.SerializerMethodField(
        help_text="2.1: wanted for the token, asked for by an operator, sent, and set by the station."
    )
    chargesBattery = serializers.BooleanField(
        source="charges_battery", help_text="The slot of a battery swap station: no session of a driver."
    )
    missingSeqNos = serializers.ListField(source="missing_seq_nos", child=serializers.IntegerField())
    remoteStartId = serializers.IntegerField(source="remote_start_id", allow_null=True)
    reservationId = serializers.IntegerField(source="reservation_id", allow_null=True)
    startReceivedAt = TimeField(source="start_received_at")
    stopReceivedAt = TimeField(source="stop_received_at", allow_null=True)
    lastMessageAt = TimeField(source="last_message_at")

    @extend_schema_field(LIMITS)
    def get_limits(self, transaction: Transaction) -> Any:
        known = transaction.limits or {}
        parts = {"wanted": known.get("wanted"), "asked": transaction.limits_asked}
        parts |= {name: known.get(name) for name in ("sent", "set")}
        return {name: transaction_limit(part) for name, part in parts.items() if part} or None

    @extend_schema_field({"type": "integer", "nullable": True})
    def get_connectorId(self, transaction: Transaction) -> int | None:
        return (
            transaction.connector_number
            if transaction.connector_number is not None
            else transaction.evse_number
        )


class MeterValueSerializer(ReadSerializer):
    timestamp = TimeField(source="measured_at")
    receivedAt = TimeField(source="received_at")
    evseId = serializers.IntegerField(source="evse_number", allow_null=True)
    connectorId = serializers.IntegerField(source="connector_number", allow_null=True)
    measurand = serializers.CharField()
    phase = serializers.CharField()
    location = serializers.CharField()
    context = serializers.CharField()  # type: ignore[assignment]  # the metaclass takes it out of the class
    value = AmountField(allow_null=True, help_text="In `unit`; null when the station's text is not a number.")
    unit = serializers.CharField(help_text="Wh, varh, VAh, W, var, VA, A, V, Hz, Celsius, Percent, ...")
    raw = serializers.CharField(help_text="As sent by the station.")
    rawUnit = serializers.CharField(source="raw_unit")
    signedData = serializers.CharField(source="signed_data", allow_null=True)


class TransactionEventSerializer(ReadSerializer):
    """One message of the transaction. 1.6 has a start and a stop, 2.x any number of TransactionEvents."""

    type = serializers.CharField(help_text="Started, Updated or Ended.")
    seqNo = serializers.IntegerField(source="seq_no", allow_null=True)
    trigger = serializers.CharField(source="trigger_reason")
    chargingState = serializers.CharField(source="charging_state")
    offline = serializers.BooleanField()
    timestamp = TimeField(source="at")
    receivedAt = TimeField(source="received_at", allow_null=True)


class ProposedFixSerializer(ReadSerializer):
    fix = serializers.ChoiceField(
        choices=FIXES,
        allow_null=True,
        help_text="Null when the stored data proposes none; `reason` has the explanation.",
    )
    reason = serializers.CharField(source="words", help_text="Why, in a sentence.")
    energyWh = AmountField(
        source="energy_wh", allow_null=True, help_text="The energy of the session after the fix."
    )
    into = serializers.IntegerField(
        source="other", allow_null=True, help_text="merge: the other session; the earlier one is kept."
    )


class SettledSerializer(ReadSerializer):
    """The columns of a session that a settlement keeps."""

    status = serializers.CharField()
    endedBy = serializers.CharField(source="ended_by")
    stopReason = serializers.CharField(source="stop_reason")
    stopTime = serializers.CharField(source="stopped_at", allow_null=True)
    meterStart = AmountField(source="meter_start_wh", allow_null=True)
    meterStop = AmountField(source="meter_stop_wh", allow_null=True)
    meterLast = AmountField(source="meter_last_wh", allow_null=True)
    energyWh = AmountField(source="energy_wh")
    mergedInto = serializers.IntegerField(source="merged_into_id", allow_null=True)
    suspectReasons = serializers.ListField(source="suspect_reasons", child=serializers.CharField())


class SettlementSerializer(ReadSerializer):
    fix = serializers.ChoiceField(choices=Settlement.Fix.values)
    actor = serializers.CharField(help_text="The user or the API key.")
    reason = serializers.CharField()
    mergedWith = serializers.IntegerField(source="merged_with_id", allow_null=True)
    before = SettledSerializer()
    after = SettledSerializer()
    createdAt = TimeField(source="created_at")


class TransactionDetailSerializer(TransactionSerializer):
    """A transaction with the latest of its events and readings."""

    proposedFix = serializers.SerializerMethodField(help_text="Null unless the transaction is suspect.")
    settlements = serializers.SerializerMethodField(help_text="Operators' decisions, newest first.")
    cost = serializers.SerializerMethodField(help_text="Null until there are tariffs.")
    events = serializers.SerializerMethodField()
    meterValues = serializers.SerializerMethodField(help_text="The latest readings, oldest first.")
    meterValuesTotal = serializers.SerializerMethodField()

    @extend_schema_field({"type": "number", "nullable": True})
    def get_cost(self, transaction: Transaction) -> None:
        return None

    @extend_schema_field(ProposedFixSerializer(allow_null=True))
    def get_proposedFix(self, transaction: Transaction) -> Any:
        return ProposedFixSerializer(proposing.proposed(transaction)).data if transaction.suspect else None

    @extend_schema_field(SettlementSerializer(many=True))
    def get_settlements(self, transaction: Transaction) -> Any:
        return SettlementSerializer(transaction.settlements.all(), many=True).data

    @extend_schema_field(TransactionEventSerializer(many=True))
    def get_events(self, transaction: Transaction) -> Any:
        return TransactionEventSerializer(history.events(transaction), many=True).data

    @extend_schema_field(MeterValueSerializer(many=True))
    def get_meterValues(self, transaction: Transaction) -> Any:
        return MeterValueSerializer(history.readings(transaction), many=True).data

    def get_meterValuesTotal(self, transaction: Transaction) -> int:
        return history.number_of_readings(transaction)


# -- ending and settling -------------------------------------------------------------------------------------


class ReasonBody(StrictSerializer):
    reason = TextField(min_length=1, max_length=settling.MAX_REASON, help_text="Recorded with the change.")


class EndBody(ReasonBody):
    force = FlagField(required=False, help_text="End the session although the vehicle is probably charging.")


class FixField(serializers.ChoiceField):
    """A fix; None is the proposed one."""

    # The stubs declare str.
    def to_internal_value(self, data: Any) -> Settlement.Fix | None:  # type: ignore[override]
        name = super().to_internal_value(data)
        return None if name == PROPOSED else Settlement.Fix(name)


class SettleBody(ReasonBody):
    fix = FixField(choices=[PROPOSED, *FIXES])
    energyWh = EnergyField(
        source="energy_wh",
        required=False,
        min_value=0,
        max_value=settling.MOST_ENERGY_WH,
        help_text="correct-energy: the new energy; the proposed one unless given.",
    )
    into = WholeField(
        source="other",
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="merge: the other session; the proposed one unless given.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name, argument, fix in (("energyWh", "energy_wh", "correct-energy"), ("into", "other", "merge")):
            if argument in attrs and attrs["fix"] != fix:
                raise serializers.ValidationError({name: [f"Only allowed with the fix {fix}."]})
        return attrs


class EndManyBody(ReasonBody):
    transactionIds = serializers.ListField(
        source="numbers",
        child=WholeField(min_value=1, max_value=2**31 - 1),
        allow_empty=False,
        max_length=settling.MOST_AT_ONCE,
    )


class SettleManyBody(EndManyBody):
    fix = FixField(choices=[PROPOSED, Settlement.Fix.CLOSE.value, Settlement.Fix.IGNORE.value])


class OutcomeSerializer(ReadSerializer):
    transactionId = serializers.IntegerField(source="number")
    settled = serializers.SerializerMethodField()
    fix = serializers.CharField(source="settlement.fix", default=None, allow_null=True)
    message = serializers.CharField(source="sentence")

    def get_settled(self, outcome: settling.Outcome) -> bool:
        return outcome.settlement is not None


# -- reservations --------------------------------------------------------------------------------------------


class ReservationSerializer(ReadSerializer):
    id = serializers.IntegerField()
    reservationId = serializers.IntegerField(source="number", help_text="The number in OCPP, of its station.")
    clientId = serializers.CharField(source="charge_point.identity")
    connectorId = serializers.IntegerField(
        source="evse_number", allow_null=True, help_text="The EVSE; null for any EVSE of the station."
    )
    connectorType = serializers.CharField(source="connector_type", help_text="2.x; empty for any.")
    idTag = serializers.CharField(source="id_token")
    idTagType = serializers.CharField(source="id_token_type")
    parentIdTag = serializers.CharField(source="group_id", help_text="Its tokens may use it too.")
    tokenId = serializers.IntegerField(source="token_id", allow_null=True)
    state = serializers.ChoiceField(choices=Reservation.State.values)
    reason = serializers.ChoiceField(
        choices=Reservation.Reason.values, allow_blank=True, help_text="Why it was refused, or has ended."
    )
    expiryDate = TimeField(source="expires_at")
    requestId = serializers.CharField(
        source="command_id", allow_null=True, help_text="The command that the station answered."
    )
    cancelRequestId = serializers.CharField(source="cancel_command_id", allow_null=True)
    transactionId = serializers.IntegerField(
        source="transaction_id", allow_null=True, help_text="The session that used it."
    )
    requestedAt = TimeField(source="requested_at")
    acceptedAt = TimeField(source="accepted_at", allow_null=True)
    shownAt = TimeField(
        source="shown_at", allow_null=True, help_text="When the station first reported Reserved."
    )
    endedAt = TimeField(source="ended_at", allow_null=True)
    updatedAt = TimeField(source="updated_at")


class ReservedSerializer(ReadSerializer):
    """The answer to a request for a reservation."""

    requestId = serializers.CharField()
    clientId = serializers.CharField()
    status = serializers.CharField()
    id = serializers.IntegerField(help_text="The reservation in /api/v1/reservations.")
    reservationId = serializers.IntegerField(help_text="Its number in OCPP.")
    state = serializers.ChoiceField(choices=Reservation.State.values)
    reason = serializers.CharField()
    expiryDate = serializers.CharField()
    warning = serializers.CharField(required=False)


# -- access rules: snake_case, as accounts -------------------------------------------------------------------


class AccessRuleSerializer(ReadSerializer):
    id = serializers.IntegerField()
    token_id = serializers.IntegerField(allow_null=True)
    group_id = serializers.CharField(source="group.group_id", default=None, allow_null=True)
    contract_id = serializers.CharField(source="contract.contract_id", default=None, allow_null=True)
    charge_point_id = serializers.CharField(
        source="charge_point.identity", default=None, allow_null=True, help_text="A station's identity."
    )
    site_id = serializers.IntegerField(allow_null=True)
    effect = serializers.ChoiceField(choices=AccessRule.Effect.values)
    note = serializers.CharField()
    created_at = TimeField()


class AccessRuleChanges(StrictSerializer):
    effect = serializers.ChoiceField(
        choices=AccessRule.Effect.values,
        required=False,
        help_text="allow: only there and at other allowed places. refuse takes precedence over allow.",
    )
    note = TextField(required=False, allow_blank=True, max_length=200)


class AccessRuleBody(AccessRuleChanges):
    token_id = WholeField(required=False, min_value=1)
    group_id = TextField(required=False, max_length=36)
    contract_id = TextField(required=False, max_length=36, help_text="Its id or contract_id.")
    charge_point_id = TextField(required=False, max_length=255, help_text="A station's identity.")
    site_id = WholeField(required=False, min_value=1)


# -- fields in lists of the app chargepoints -----------------------------------------------------------------


class RunningSerializer(ReadSerializer):
    transactionId = serializers.IntegerField(source="pk")
    ocppTransactionId = serializers.CharField(source="ocpp_id")
    idTag = serializers.CharField(source="id_token")
    startTime = TimeField(source="started_at")
    energyWh = AmountField(source="energy_wh")
    powerW = AmountField(source="power_w", allow_null=True)


class RemoteOutcomeSerializer(ReadSerializer):
    outcome = serializers.CharField(help_text="waiting, started, refused or nothing.")
    transactionId = serializers.IntegerField(source="transaction_id", allow_null=True)


class SiteEnergySerializer(ReadSerializer):
    siteId = serializers.IntegerField(allow_null=True, help_text="Null: the stations without a site.")
    name = serializers.CharField(allow_null=True)
    stations = serializers.IntegerField(help_text="Stations with sessions in the month.")
    sessions = serializers.IntegerField()
    suspectSessions = serializers.IntegerField(help_text="Sessions whose energy is in doubt; see `suspect`.")
    energyWh = AmountField()


class MonthlyEnergySerializer(ReadSerializer):
    month = serializers.CharField()
    summedUntil = TimeField(
        allow_null=True,
        help_text="Sessions that ended later may be missing. Null: the first sum of all sessions is running.",
    )
    sessions = serializers.IntegerField()
    suspectSessions = serializers.IntegerField()
    energyWh = AmountField()
    sites = SiteEnergySerializer(many=True)
