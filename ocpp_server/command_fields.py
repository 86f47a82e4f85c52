"""The typed fields of a command's declaration.

A field has two names: `argument` is the keyword of the command's Python functions, `name` the field of the
REST body. The REST API makes a serializer field from it, the admin a form field, `manage.py station` an
argument, and `docs/commands.md` a row. No field is validated here: each of these refuses bad input itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Final, TypeVar

from django.utils.functional import Promise

# A text for people: lazy, so that it is translated when it is shown.
Label = str | Promise

LARGEST_NUMBER: Final = 2**31 - 1  # OCPP's integers have 32 bits

F = TypeVar("F", bound="Field")


@dataclass(frozen=True)
class Field:
    """One input of a command.

    `help` is one or more sentences. `default` is used where the caller gives nothing; None is the same as not
    given. `adapt` returns the field for one station, with the choices or the label of its version, or None if
    such a station can't use it: call `at`.
    """

    argument: str
    label: Label
    _: KW_ONLY
    name: str = ""
    help: Label = ""
    required: bool = False
    default: Any = None
    example: Any = None
    adapt: Callable[[Any, Any], Any] | None = None

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        if not self.name:
            camel = re.sub(r"_(\w)", lambda match: match[1].upper(), self.argument)
            object.__setattr__(self, "name", camel)

    def at(self: F, charge_point: Any) -> F | None:
        """The field as this station needs it; None if it can't use it."""
        return self.adapt(self, charge_point) if self.adapt is not None else self

    @property
    def limits(self) -> str:
        """The allowed values, in words for the documentation."""
        return ""

    @property
    def option(self) -> str:
        """The name of its argument of `manage.py station`: evseId is evse-id."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", self.name).lower()


@dataclass(frozen=True)
class Text(Field):
    """A text. `most` is the largest number of characters; `lines` is the height of its input in a form."""

    _: KW_ONLY
    most: int = 255
    blank: bool = False  # whether an empty text is a value
    lines: int = 1

    kind = "text"

    @property
    def limits(self) -> str:
        return f"{0 if self.blank else 1} to {self.most} characters"


@dataclass(frozen=True)
class Secret(Text):
    """A text that forms do not echo and logs mask."""

    kind = "secret text"


@dataclass(frozen=True)
class Whole(Field):
    """A whole number from `least` to `most`."""

    _: KW_ONLY
    least: int = 0
    most: int = LARGEST_NUMBER

    kind = "whole number"

    @property
    def limits(self) -> str:
        return f"{self.least} to {self.most}" if self.most != LARGEST_NUMBER else f"{self.least} or more"


@dataclass(frozen=True)
class Evse(Whole):
    """The number of an EVSE of the station, which is a connector in 1.6. A form offers those it has.

    `nothing` names the choice of no EVSE, such as "Whole station", where the field is not required.
    """

    _: KW_ONLY
    nothing: Label = ""
    least: int = 1

    kind = "EVSE"


@dataclass(frozen=True)
class Listed(Whole):
    """The number of a row of this server. A form offers those of `rows`, which uses the database: the number
    and the words of each.
    """

    _: KW_ONLY
    rows: Callable[[], Sequence[tuple[int, str]]]
    least: int = 1


@dataclass(frozen=True)
class Connector(Whole):
    """The number of a connector within its EVSE (2.x)."""

    _: KW_ONLY
    least: int = 1

    kind = "connector"


@dataclass(frozen=True)
class Choice(Field):
    """One of several texts, each with its label: (value, label).

    Without `choices`, they depend on the station (`adapt`), and the command refuses others itself. `also` are
    values that the REST API and `manage.py` accept too; forms do not offer them.
    """

    _: KW_ONLY
    choices: tuple[tuple[str, Label], ...] = ()
    also: tuple[str, ...] = ()
    most: int = 100

    kind = "choice"

    @property
    def values(self) -> tuple[str, ...]:
        return (*(value for value, _label in self.choices), *self.also)

    @property
    def limits(self) -> str:
        return ", ".join(self.values) or "depends on the station"


@dataclass(frozen=True)
class Flag(Field):
    """Yes or no; no unless given."""

    kind = "yes or no"


@dataclass(frozen=True)
class Transaction(Field):
    """A transaction of the station: the server's number, or the text by which a 2.x station names it.

    A form offers the running ones of the station, by number.
    """

    kind = "transaction"


@dataclass(frozen=True)
class Json(Field):
    """Any JSON value. `text_is_json` is False where a form takes its text as it is."""

    _: KW_ONLY
    text_is_json: bool = True
    lines: int = 4

    kind = "JSON"


@dataclass(frozen=True)
class Object(Json):
    """A JSON object."""

    _: KW_ONLY
    lines: int = 8

    kind = "JSON object"


@dataclass(frozen=True)
class Texts(Field):
    """A list of different texts; in a form one per line."""

    _: KW_ONLY
    most: int = 100
    most_characters: int = 255

    kind = "list of texts"

    @property
    def limits(self) -> str:
        return f"at most {self.most}, each 1 to {self.most_characters} characters"
