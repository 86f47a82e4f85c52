"""Serializer fields shared by several request bodies of the accounts API."""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ocpp_server.api.fields import MAX_INT, ReadSerializer, StrictSerializer, TextField, WholeField

PHONE = r"^[0-9+(][0-9 ()/.-]{2,30}\Z"


class CodeField(TextField):
    """A short code, which may be empty."""

    def __init__(self, pattern: str, sentence: str, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            allow_blank=True,
            validators=[RegexValidator(rf"^(?:{pattern})?\Z", f"Must be {sentence}.")],
            help_text=f"{sentence[0].upper()}{sentence[1:]}.",
            **kwargs,
        )


def country_code() -> CodeField:
    return CodeField("[A-Z]{2}", "two capital letters, ISO 3166-1")


def party_id() -> CodeField:
    return CodeField("[A-Z0-9]{3}", "three capital letters or digits, ISO 15118-1")


def language() -> CodeField:
    return CodeField("[a-z]{2}", "two small letters, ISO 639-1")


def currency() -> CodeField:
    return CodeField("[A-Z]{3}", "three capital letters, ISO 4217")


def user_id(**kwargs: Any) -> WholeField:
    return WholeField(min_value=1, **kwargs)


@extend_schema_field({"type": "number", "minimum": 0, "maximum": 999_999_999})
class MoneyField(serializers.DecimalField):
    """An amount in the contract's currency: a JSON number with up to three decimals."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_digits=12,
            decimal_places=3,
            min_value=0,
            max_value=999_999_999,
            coerce_to_string=False,
            **kwargs,
        )

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)

    # The type stubs declare a text.
    def to_representation(self, value: Any) -> float | int | None:  # type: ignore[override]
        if value is None:
            return None
        number = float(value)
        return int(number) if number.is_integer() else number


class EnergyContractSerializer(StrictSerializer):
    supplier_name = TextField(max_length=64)
    contract_id = TextField(required=False, max_length=64)


class BudgetBody(StrictSerializer):
    """Limits of energy and money; null means no limit."""

    energy_wh_per_day = WholeField(required=False, allow_null=True, min_value=0, max_value=MAX_INT)
    energy_wh_per_month = WholeField(required=False, allow_null=True, min_value=0, max_value=MAX_INT)
    cost_per_day = MoneyField(required=False, allow_null=True)
    cost_per_month = MoneyField(required=False, allow_null=True)


class BudgetShape(ReadSerializer):
    energy_wh_per_day = serializers.IntegerField(allow_null=True)
    energy_wh_per_month = serializers.IntegerField(allow_null=True)
    cost_per_day = MoneyField(allow_null=True)
    cost_per_month = MoneyField(allow_null=True)


def printable(text: str) -> str:
    """Raise ValidationError for a text that is blank or contains unprintable characters."""
    if not text.strip():
        raise serializers.ValidationError("Must not be blank.")
    if not text.isprintable():
        raise serializers.ValidationError("Must contain printable characters only.")
    return text
