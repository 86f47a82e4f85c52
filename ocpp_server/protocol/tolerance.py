"""The treatment of an invalid payload: each broken rule is repaired, tolerated, or refused.

The payload is walked once along the tree of its fields, so the time grows with its size only: a MiB of values
that are all invalid takes a third of a second.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final, NamedTuple

from . import repairs, wording
from .errors import (
    DESCRIPTION_MAX,
    FormatViolation,
    OccurrenceConstraintViolation,
    OcppError,
    PropertyConstraintViolation,
    TypeConstraintViolation,
)
from .missing import LEFT_OUT
from .shapes import Shape

EXTRA_PROPERTY: Final = "extra-property"
DROPPED_ITEM: Final = "dropped-item"
# A message with one of these has content that no schema has judged: it is masked more strictly.
NOT_JUDGED: Final = frozenset({EXTRA_PROPERTY, DROPPED_ITEM})
EMPTY_ARRAY: Final = "empty-array"
MISSING_FIELD: Final = "missing-field"
NULL_PROPERTY: Final = "null-property"
WRONG_CASE: Final = "wrong-case"

MOST: Final = 20  # deviations reported for one message
MOST_DROPPED: Final = 1000  # items; a message with more unreadable ones is refused
MOST_REPAIRED: Final = 100_000  # values of a wrong type; more would block the other stations too long

_CLASS_OF: Final[dict[str, type[OcppError]]] = {
    "required": OccurrenceConstraintViolation,
    "minItems": OccurrenceConstraintViolation,
    "maxItems": OccurrenceConstraintViolation,
    "type": TypeConstraintViolation,
    "additionalProperties": FormatViolation,
}
# The kinds of deviation of the rules that a tolerant station may break.
_TOLERATED: Final = {
    "maxLength": "too-long",
    "enum": "unknown-value",
    "additionalProperties": EXTRA_PROPERTY,
    "format": "bad-format",
    "minimum": "out-of-range",
    "maximum": "out-of-range",
    "multipleOf": "out-of-range",
}
# An optional field with one of these values is absent.
_EMPTY: Final[dict[type, str]] = {str: "empty-text", list: EMPTY_ARRAY, dict: "empty-object"}
_ABSENT: Final = object()


class Deviation(NamedTuple):
    """A rule that was broken and tolerated: the kind to count, the field, and a sentence."""

    kind: str
    path: str
    detail: str


class Walk:
    """One walk through an invalid payload, which is repaired in place. `found` are the deviations to count.

    Raises the OcppError of the first rule that is neither repaired nor tolerated: with `strict` any rule but
    1.0 for 1, otherwise a missing required field, a wrong type, a list of the wrong length, or an integer
    beyond 64 bits.
    """

    __slots__ = ("_dropped", "_is_judged", "_payload", "_repairs", "_strict", "_where", "found")

    def __init__(self, shape: Shape, payload: dict[str, Any], *, strict: bool) -> None:
        self.found: list[Deviation] = []
        self._payload = payload
        self._strict = strict
        self._where: list[str | int] = []
        self._dropped = self._repairs = 0
        self._is_judged = True
        self._object(shape, payload)

    # -- the tree -------------------------------------------------------------------------------

    def _value(self, shape: Shape, value: Any) -> Any:
        """The value as it is kept; _ABSENT for one that counts as missing."""
        accepts = shape.accepts
        if accepts is None:
            return value
        while type(value) not in accepts:
            value = self._repaired(shape, value)
            if value is _ABSENT:
                return value
            if value == [] and shape.type == "array":
                return self._no_items(shape)
        if type(value) is dict:
            if not value and shape.required and self._is_absent(shape, value):
                return _ABSENT
            if shape.properties is not None:
                self._object(shape, value)
            return value
        return self._list(shape, value) if type(value) is list else self._leaf(shape, value)

    def _object(self, shape: Shape, value: dict[str, Any]) -> None:
        where, properties = self._where, shape.properties
        assert properties is not None  # only objects with known fields are walked
        is_signed = shape.signs and str(value.get("format")).casefold() == "signeddata"
        if not properties.keys() >= value.keys():  # equivalent: no unknown names change nothing
            self._unknown(shape, (name for name in value if name not in properties))
        counted = set()
        for name, given in list(value.items()):
            field = properties.get(name)
            if field is None:
                continue
            where.append(name)
            if is_signed and name == "value" and type(given) is not str:
                raise self._refusal("type", field, given)
            kept = self._value(field, given)
            if kept is _ABSENT:
                del value[name]
                counted.add(name)
            elif kept is not given:
                value[name] = kept
            where.pop()
        for name in shape.required:
            if name not in value:
                where.append(name)
                self._missing(properties[name], name, value, is_counted=name in counted)
                where.pop()

    def _list(self, shape: Shape, value: list[Any]) -> Any:
        if len(value) < shape.min_items:
            return self._short_list(shape, value)
        if shape.max_items is not None and len(value) > shape.max_items:
            raise self._refusal("maxItems", shape, value, shape.max_items)
        kept = []
        depth = len(self._where)
        self._where.append(0)  # equivalent: each item puts its number there
        for number, given in enumerate(value):
            self._where[depth] = number
            before = len(self.found)
            try:
                kept.append(self._value(shape.items, given))
            except OcppError as error:
                if self._strict or not shape.may_lose_items:
                    raise
                del self._where[depth + 1 :]
                self._drop(error, before)
        self._where.pop()
        if not kept and shape.min_items and not shape.must_be_present:
            return _ABSENT  # all items are dropped
        return kept

    def _leaf(self, shape: Shape, value: Any) -> Any:
        if type(value) is str:
            if shape.words is not None and shape.words.get(value.casefold()) != value:
                return self._word(shape, value)
            if shape.max_length is not None and len(value) > shape.max_length:
                self._tolerate("maxLength", shape, value, shape.max_length)
        elif type(value) is not bool:
            least, most = shape.bounds
            if least is not None and value < least:
                self._tolerate("minimum", shape, value, least)
            if most is not None and value > most:
                self._tolerate("maximum", shape, value, most)
        for keyword, limit, is_valid in shape.checks:
            if not is_valid(value):
                # An empty required time is as unreadable as any other text: it is kept, and counted.
                if value == "" and not shape.must_be_present and self._is_absent(shape, value):
                    return _ABSENT
                self._tolerate(keyword, shape, value, limit)
        return value

    # -- broken rules ---------------------------------------------------------------------------

    def _repaired(self, shape: Shape, value: Any) -> Any:
        """The value with a type nearer to the wanted one."""
        self._repairs += 1
        if self._repairs > MOST_REPAIRED:
            raise self._refusal("type", shape, value)
        if self._strict:
            whole = repairs.whole_float(value) if shape.type == "integer" else None
            if whole is None:
                raise self._refusal("type", shape, value)
            self._add(repairs.FLOAT_FOR_INTEGER, shape, value)
            return whole
        if value is None:
            return self._null(shape)
        if not shape.is_free_text:
            blank = value.strip() if type(value) is str and len(value) <= wording.SHOWN else value
            if blank in ("", [], {}) and self._is_absent(shape, blank):
                return _ABSENT
        repair = repairs.REPAIRS.get((shape.type, type(value)))
        # Of an exact value, 1.0 for 1 alone is repaired.
        if repair is not None and (not shape.is_exact or repairs.whole_float(value) is not None):
            found = repair(shape, value)
            if found is not None and (not shape.is_exact or found[0] == repairs.FLOAT_FOR_INTEGER):
                self._add(found[0], shape, value, rounded=found[1])
                return found[1]
        raise self._refusal("type", shape, value)

    def _null(self, shape: Shape) -> Any:
        """null for an optional field is no field, and null for a required list has no elements."""
        if not shape.may_be_absent and (shape.type != "array" or shape.is_result):
            raise self._refusal("type", shape, None)
        self._add(NULL_PROPERTY, shape, None)
        return _ABSENT if shape.may_be_absent else []

    def _is_absent(self, shape: Shape, value: Any) -> bool:
        """Whether an empty value stands for no field; then it is counted."""
        if self._strict or not shape.may_be_absent:
            return False
        self._add(_EMPTY[type(value)], shape, value)
        return True

    def _no_items(self, shape: Shape) -> list[Any]:
        """A required list without items. An event without readings still ends a transaction; but the results
        of a change are the status of an answer.
        """
        if self._strict or shape.is_result:
            raise self._refusal("minItems", shape, [], shape.min_items)
        return []

    def _short_list(self, shape: Shape, value: list[Any]) -> Any:
        """A list with fewer items than its schema asks for, which is 1 in OCPP."""
        if value:
            raise self._refusal("minItems", shape, value, shape.min_items)
        if self._is_absent(shape, value):
            return _ABSENT
        kept = self._no_items(shape)
        self._add(EMPTY_ARRAY, shape, value, "minItems", shape.min_items)
        return kept

    def _word(self, shape: Shape, value: str) -> Any:
        """A text that is not one of the allowed words."""
        assert shape.words is not None
        if not value.strip() and self._is_absent(shape, ""):
            return _ABSENT
        word = None if self._strict or shape.is_exact else shape.words.get(value.strip().casefold())
        if word is None:
            self._tolerate("enum", shape, value)
            return value
        self._add(WRONG_CASE, shape, value, "enum")
        return word

    def _missing(self, shape: Shape, name: str, parent: dict[str, Any], *, is_counted: bool) -> None:
        rule = None if self._strict else shape.substitute
        found = None if rule is None else rule(parent, self._payload)
        if found is None:
            raise self._refusal("required", shape, None)
        if found.value is not LEFT_OUT:
            parent[name] = found.value
        if not is_counted:
            self._note(MISSING_FIELD, f"{wording.sentence('required')}; {found.meaning}")

    def _unknown(self, shape: Shape, names: Iterable[str]) -> None:
        for name in islice(names, MOST):
            self._where.append(name[: wording.SHOWN])
            self._tolerate("additionalProperties", shape, None)
            self._where.pop()

    def _drop(self, error: OcppError, before: int) -> None:
        """Leave out an item that stays invalid, and count that instead of its repairs."""
        self._dropped += 1
        if self._dropped > MOST_DROPPED:
            raise error
        del self.found[before:]
        self._note(DROPPED_ITEM, f"the item is left out: {error.description}")

    # -- the result -----------------------------------------------------------------------------

    def _tolerate(self, rule: str, shape: Shape, value: Any, limit: object = "") -> None:
        is_beyond = type(value) is int and abs(value) > repairs.INT64
        if self._strict or is_beyond:
            raise self._refusal(rule, shape, value, limit)
        self._add(_TOLERATED[rule], shape, value, rule, limit)

    def _add(
        self,
        kind: str,
        shape: Shape,
        value: Any,
        rule: str = "type",
        limit: object = "",
        *,
        rounded: object = None,
    ) -> None:
        if len(self.found) >= MOST and kind not in NOT_JUDGED:
            return  # no sentence for a deviation that is not reported
        detail = self._sentence(rule, shape, value, limit)
        if kind == repairs.FRACTION_FOR_INTEGER and not shape.is_hidden:
            detail += f"; rounded to {rounded}"
        self._note(kind, detail)

    def _note(self, kind: str, detail: str) -> None:
        if len(self.found) >= MOST:
            if kind not in NOT_JUDGED or not self._is_judged:
                return
            self.found.pop()
        self._is_judged = self._is_judged and kind not in NOT_JUDGED
        self.found.append(Deviation(kind, wording.path(self._where), detail))

    def _refusal(self, rule: str, shape: Shape, value: Any, limit: object = "") -> OcppError:
        path, reason = wording.path(self._where), self._sentence(rule, shape, value, limit)
        text = f"{path}: {reason}" if path else reason
        return _CLASS_OF.get(rule, PropertyConstraintViolation)(text[:DESCRIPTION_MAX])

    @staticmethod
    def _sentence(rule: str, shape: Shape, value: Any, limit: object) -> str:
        shown = wording.shown(value, is_hidden=shape.is_hidden)
        return wording.sentence(rule, shown, shape.type if rule == "type" else limit)
