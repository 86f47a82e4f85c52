"""Strict serializer fields: they refuse unknown names, and do not convert values of other types."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ocpp_server.error_codes import Code
from ocpp_server.storage import row_numbers

MAX_INT = row_numbers.LARGEST
# The schema of a stored payload, which may be anything.
ANYTHING: Final[dict[str, Any]] = {}
# One answer names at most this many unknown fields; a body of 1 MiB would otherwise get 10 MiB back.
MAX_UNKNOWN: Final = 20


class StrictSerializer(serializers.Serializer[Any]):
    """A body or a query string. Unknown fields are refused, each by name."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            known = {name for name, field in self.fields.items() if not field.read_only}
            unknown = [name for name in data if name not in known]
            if unknown:
                sentence = f"Unknown; known are {', '.join(sorted(known)) or 'none'}."
                raise serializers.ValidationError(
                    {str(name): [sentence] for name in unknown[:MAX_UNKNOWN]}, code=Code.UNKNOWN_FIELD
                )
        return super().to_internal_value(data)


class TextField(serializers.CharField):
    """A JSON string and no other type. Leading and trailing blanks are kept."""

    default_error_messages = {"invalid": "Must be a string."}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeField(serializers.IntegerField):
    """A JSON integer, or digits in a query string. No booleans, no 1.0, no blanks."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_value", MAX_INT)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, (int, str)):
            self.fail("invalid")
        if isinstance(data, str) and not re.fullmatch(r"-?[0-9]{1,20}", data):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class SecondsField(serializers.FloatField):
    """Seconds to wait for a station: 1 to 120."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            min_value=1, max_value=120, required=False, help_text="Seconds to wait for the station.", **kwargs
        )

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class EnergyField(serializers.FloatField):
    """A JSON number of Wh. No booleans, no text."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            self.fail("invalid")
        return super().to_internal_value(data)


class FlagField(serializers.BooleanField):
    """A JSON boolean, or true, false, 1, 0 in a query string."""

    def to_internal_value(self, data: Any) -> bool:
        if isinstance(data, bool):
            return data
        if isinstance(data, str) and data.lower() in ("true", "false", "1", "0"):
            return data.lower() in ("true", "1")
        raise serializers.ValidationError("Must be true or false.")


class TimeField(serializers.DateTimeField):
    """A time by RFC 3339. Without a zone it is UTC; answers are in UTC with milliseconds."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("default_timezone", UTC)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> datetime:
        if isinstance(data, str):
            # An unescaped "+02:00" of a query string arrives as a blank.
            data = re.sub(r" (\d\d:?\d\d)$", r"+\1", data)
        value: datetime = super().to_internal_value(data)
        return value

    # The stubs do not allow None.
    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]
        return rfc3339(value)


def rfc3339(value: datetime | None) -> str | None:
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@extend_schema_field({"type": "number"})
class AmountField(serializers.FloatField):
    """A number, without ".0" if it is whole, because clients parse Wh as integers."""

    # The stubs declare str.
    def to_representation(self, value: Any) -> float | int | None:  # type: ignore[override]
        return amount(value)


# Rounding errors of a sum of floats are far below this: 139.6199999999999 is 139.62.
_DECIMALS = 6


def amount(value: float | None) -> float | int | None:
    """A number without rounding errors of floats, and without ".0" if it is whole."""
    if value is None:
        return None
    value = round(float(value), _DECIMALS)
    return int(value) if value.is_integer() else value


class ReadSerializer(serializers.Serializer[Any]):
    """The data of an answer. Its fields are always present, so the OpenAPI document marks them as
    required.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("read_only", True)
        super().__init__(*args, **kwargs)


def parsed(text: str) -> Any:
    """The JSON of a stored payload, or the text itself when it is not JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
