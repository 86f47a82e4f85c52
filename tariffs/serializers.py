"""Serializers of tariffs, costs and payments. Amounts are texts, as no number of JSON is exact."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ocpp_server.api.fields import (
    EnergyField,
    ReadSerializer,
    StrictSerializer,
    TextField,
    TimeField,
    WholeField,
)
from tariffs.models import Payment, SessionCost, StationTariff, WebPayment
from tariffs.models.money import DIGITS, PLACES
from tariffs.services.tariff import amounts, checking

_OBJECT = {"type": "object", "nullable": True}


class AmountField(serializers.DecimalField):
    """An amount as a text without trailing zeros, such as "18.15"."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=DIGITS, decimal_places=PLACES, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]
        return amounts.text(value)


@extend_schema_field(_OBJECT)
class ObjectField(serializers.JSONField):
    """An object of OCPP, as it was sent or received."""


class StationTariffSerializer(ReadSerializer):
    id = serializers.CharField(help_text="The server's id of this tariff at this station.")
    tariffId = serializers.CharField(source="tariff_id")
    evseId = serializers.IntegerField(source="evse_number", help_text="0 for every EVSE.")
    state = serializers.ChoiceField(choices=StationTariff.State.values)
    isCurrent = serializers.BooleanField(
        source="is_current", help_text="Whether it is wanted, or the station has it."
    )
    status = serializers.CharField(help_text="The answer of the station to the tariff; empty if not sent.")
    reason = serializers.CharField(help_text="The reason that the station gave.")
    explanation = serializers.SerializerMethodField(help_text="A refusal in words.")
    evseIds = serializers.ListField(
        child=serializers.IntegerField(),
        source="evse_numbers",
        help_text="The EVSEs that have it by the station's last report.",
    )
    validFrom = TimeField(source="valid_from", allow_null=True)
    tariff: Any = ObjectField(help_text="As it was sent; null for a tariff that this server did not send.")
    requestId = serializers.CharField(
        source="command_id", allow_null=True, help_text="The command that sent it."
    )
    setAt = TimeField(source="set_at")
    checkedAt = TimeField(
        source="checked_at", allow_null=True, help_text="When the station last reported its tariffs."
    )
    endedAt = TimeField(source="ended_at", allow_null=True)

    def get_explanation(self, row: StationTariff) -> str:
        return checking.explanation(row.status)


class NewTariffSerializer(ReadSerializer):
    """The tariff that the server sent last for a running session."""

    tariffId = serializers.CharField(source="new_tariff_id")
    status = serializers.CharField(source="new_tariff_status", help_text="The answer of the station.")
    explanation = serializers.SerializerMethodField(help_text="A refusal in words.")
    isInUse = serializers.BooleanField(
        source="is_tariff_changed",
        allow_null=True,
        help_text="Whether the station has reported the change; null where it has refused the tariff.",
    )
    tariff: Any = ObjectField(source="new_tariff")
    answeredAt = TimeField(source="new_tariff_at")

    def get_explanation(self, row: SessionCost) -> str:
        return checking.explanation(row.new_tariff_status)


class SessionCostSerializer(ReadSerializer):
    transactionId = serializers.IntegerField(source="transaction_id", help_text="The server's number.")
    clientId = serializers.CharField(source="charge_point.identity")
    currency = serializers.CharField(help_text="Of the reported amounts; empty if not known.")
    totalExclTax = AmountField(source="total_excl_tax", help_text="As the station reported it last.")
    totalInclTax = AmountField(source="total_incl_tax", help_text="As the station reported it last.")
    typeOfCost = serializers.CharField(source="cost_type", help_text="NormalCost, MinCost or MaxCost.")
    isFinal = serializers.BooleanField(source="is_final", help_text="Whether it came with the end.")
    failure = serializers.CharField(help_text="Why the station could not calculate the cost.")
    tariffId = serializers.CharField(source="tariff_id", help_text="The tariff that the station uses.")
    costDetails: Any = ObjectField(source="details", help_text="As the station reported them last.")
    reportedAt = TimeField(source="reported_at", allow_null=True, help_text="By the station's clock.")
    sentCost = AmountField(source="sent_cost", help_text="The last cost that the station has taken.")
    sentAt = TimeField(source="sent_at", allow_null=True)
    newTariff = serializers.SerializerMethodField(
        help_text="The tariff that was sent last for the session; null if none was."
    )
    updatedAt = TimeField(source="updated_at")

    @extend_schema_field(NewTariffSerializer(allow_null=True))
    def get_newTariff(self, row: SessionCost) -> Any:
        return NewTariffSerializer(row).data if row.new_tariff_at is not None else None


class PaymentSerializer(ReadSerializer):
    id = serializers.IntegerField()
    clientId = serializers.CharField(source="charge_point.identity")
    pspRef = serializers.CharField(source="psp_ref", help_text="The reference of the payment service.")
    transactionId = serializers.IntegerField(
        source="transaction_id", allow_null=True, help_text="The server's number of the session."
    )
    ocppTransactionId = serializers.CharField(
        source="ocpp_transaction_id", help_text="As the station reported it; empty without a session."
    )
    status = serializers.ChoiceField(choices=Payment.Status.values)
    statusInfo = serializers.CharField(source="status_info")
    settlementAmount = AmountField(source="amount")
    settlementTime = TimeField(source="settled_at")
    receiptId = serializers.CharField(source="receipt_id", help_text="The receipt of the station.")
    receiptUrl = serializers.CharField(source="receipt_url", help_text="The receipt of the station.")
    vatNumber = serializers.CharField(source="vat_number")
    vatCompany: Any = ObjectField(source="company")
    reports = serializers.IntegerField(help_text="How often the station reported it.")
    receivedAt = TimeField(source="received_at")
    updatedAt = TimeField(source="updated_at")


class WebPaymentSerializer(ReadSerializer):
    id = serializers.IntegerField(help_text="The number to confirm the payment with.")
    clientId = serializers.CharField(source="charge_point.identity")
    evseId = serializers.IntegerField(source="evse_number")
    state = serializers.ChoiceField(choices=WebPayment.State.values)
    maxCost = AmountField(source="max_cost", help_text="In the tariff's currency.")
    maxEnergy = serializers.FloatField(source="max_energy_wh", allow_null=True, help_text="In Wh.")
    maxTime = serializers.IntegerField(source="max_time_s", allow_null=True, help_text="In s.")
    pspRef = serializers.CharField(source="psp_ref", help_text="Empty until the payment is confirmed.")
    requestId = serializers.CharField(source="command_id", help_text="The remote start; empty without one.")
    transactionId = serializers.SerializerMethodField(
        help_text="The server's number of the session; null before it starts."
    )
    failure = serializers.CharField(help_text="Why it failed: the payment has to be cancelled.")
    confirmedBy = serializers.CharField(source="confirmed_by")
    openedAt = TimeField(source="opened_at")
    expiresAt = TimeField(source="expires_at", help_text="The driver must have paid by then.")
    confirmedAt = TimeField(source="confirmed_at", allow_null=True)
    updatedAt = TimeField(source="updated_at")

    def get_transactionId(self, row: WebPayment) -> int | None:
        found: dict[str, int | None] = self.context["prepared"]
        return found.get(row.command_id)


class ConfirmBody(StrictSerializer):
    """A payment that the driver has made. Limits lower those that the driver has chosen."""

    pspRef = TextField(
        max_length=255, help_text="The reference of the payment service: the token of the session."
    )
    maxCost = EnergyField(required=False, min_value=0, max_value=1e9, help_text="In the tariff's currency.")
    maxEnergy = EnergyField(required=False, min_value=0, max_value=1e9, help_text="In Wh.")
    maxTime = WholeField(required=False, min_value=0, max_value=2**31 - 1, help_text="In seconds.")


class WebPaymentKeySerializer(ReadSerializer):
    """Without the secret, which is never shown."""

    id = serializers.IntegerField()
    evseId = serializers.IntegerField(source="evse_number", help_text="0 for every EVSE without its own key.")
    validityTime = serializers.IntegerField(source="validity_s", help_text="In s.")
    length = serializers.IntegerField(help_text="The characters of a password.")
    setBy = serializers.CharField(source="set_by")
    setAt = TimeField(source="set_at")


class WebPaymentKeyBody(StrictSerializer):
    """The values of the station's WebPaymentsCtrlr."""

    secret = TextField(max_length=255, help_text="SharedSecret of the station. It is not shown again.")
    validityTime = WholeField(source="validity_s", min_value=6, max_value=3600, help_text="In s.")
    length = WholeField(min_value=6, max_value=64, help_text="The characters of a password.")
    evseId = WholeField(
        source="evse_number",
        default=0,
        min_value=0,
        max_value=999_999,
        help_text="0 for every EVSE without a key of its own.",
    )
