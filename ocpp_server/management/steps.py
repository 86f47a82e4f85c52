"""The steps of resource commands: list rows, show one, add one, change or act on some."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from ocpp_server.api.fields import StrictSerializer
from ocpp_server.management import serialized
from ocpp_server.management.api import Answer, Api

# Rows of one request of a list.
_PAGE: Final = 200
MOST_NAMES: Final = 500


class Refused(Exception):
    """The server refused a request, or a station did. `name`: of the row, if several are named."""

    def __init__(self, answer: Answer, name: str = "") -> None:
        super().__init__(answer.message)
        self.answer, self.name = answer, name


class UnknownNames(ValueError):
    """Some of the names of a request are unknown. `str(error)` is a sentence; the others are shown."""


class Row(NamedTuple):
    """A row of an answer, with the sentence of the answer if it is about this row alone."""

    fields: dict[str, Any]
    sentence: str = ""


def accepted(answer: Answer) -> Answer:
    """The answer of a request that was successful. Raises Refused."""
    if not answer.success:
        raise Refused(answer)
    return answer


@dataclass(frozen=True, kw_only=True)
class Named:
    """One row of a resource, by the name that a person gives it on the command line.

    `path` has `{name}`. `key`: the field of the row that `changed_at` has instead, where changes are sent to
    another address. `query`: parameters that tell rows of one name apart.
    """

    metavar: str
    help: str
    path: str
    changed_at: str = ""
    key: str = ""
    query: type[StrictSerializer] | None = None

    def add_arguments(self, parser: ArgumentParser, *, many: bool = False) -> None:
        if many:
            parser.add_argument("names", nargs="+", metavar=self.metavar, help=self.help)
        else:
            parser.add_argument("name", metavar=self.metavar, help=self.help)
        if self.query is not None:
            serialized.add_fields(parser, self.query)

    def get(self, api: Api, name: str, options: dict[str, Any]) -> Answer:
        """The row. Raises Refused."""
        path = self.path.format(name=quote(name, safe=""))
        asked = urlencode(serialized.filters(self.query, options)) if self.query is not None else ""
        return accepted(api.get(f"{path}?{asked}" if asked else path))

    def address(self, api: Api, name: str, options: dict[str, Any]) -> str:
        """The path for changes of the row. Raises Refused."""
        if not self.changed_at:
            return self.path.format(name=quote(name, safe=""))
        found = self.get(api, name, options).data[self.key]
        return self.changed_at.format(name=quote(str(found), safe=""))


@dataclass(frozen=True, kw_only=True)
class Step:
    """One sub-command. `columns`: it prints a table with these fields of its rows. `shown`: else it prints
    these fields, below the sentence of the answer; None for all.
    """

    name: str
    sentence: str
    columns: Sequence[str] = ()
    shown: Sequence[str] | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        raise NotImplementedError

    def prepare(self, options: dict[str, Any]) -> None:
        """Read what the user has to type or confirm. Raises ValueError."""

    def requests(self, options: dict[str, Any]) -> int:
        """How many stations may have to answer: the key of the command lasts that long."""
        return 1

    def run(self, api: Api, options: dict[str, Any]) -> Iterator[Row | Refused]:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Rows(Step):
    """All rows of a list, page by page. `path` has `{name}` for a list below one row. `hides`: which rows are
    left out, by the fields `hidden_by`.
    """

    path: str
    key: str  # the field of the answer with the rows
    query: type[StrictSerializer]
    of: Named | None = None
    hides: Callable[[Api, dict[str, Any]], bool] | None = None
    hidden_by: Sequence[str] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        if self.of is not None:
            self.of.add_arguments(parser)
        serialized.add_filters(parser, self.query)
        parser.add_argument("--limit", type=_count, metavar="NUMBER", help="the most rows; all unless given")
        parser.add_argument(
            "--fields",
            nargs="+",
            metavar="FIELD",
            help="print these fields of a row instead of the usual ones",
        )

    def prepare(self, options: dict[str, Any]) -> None:
        options["fields"] = [name for text in options["fields"] or () for name in text.split(",") if name]

    def run(self, api: Api, options: dict[str, Any]) -> Iterator[Row | Refused]:
        path = self.path.format(name=quote(options.get("name", ""), safe=""))
        asked = serialized.filters(self.query, options)
        if options["fields"]:
            asked["fields"] = ",".join(dict.fromkeys([*options["fields"], *self.hidden_by]))
        left: int | None = options["limit"]
        cursor: dict[str, str] = {}
        while left is None or left > 0:
            page = {"limit": str(_PAGE if left is None else min(left, _PAGE))}
            data = accepted(api.get(f"{path}?{urlencode(asked | page | cursor)}")).data
            hides = self.hides
            shown = [row for row in data[self.key] if hides is None or not hides(api, row)]
            for row in shown:
                yield Row({name: row[name] for name in options["fields"] or row})
            if not data["next"]:
                return
            cursor = {"cursor": data["next"]}
            left = None if left is None else left - len(shown)


@dataclass(frozen=True, kw_only=True)
class All(Step):
    """All rows of a small collection below one row, which has no pages."""

    of: Named
    path: str
    key: str

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.of.add_arguments(parser)

    def run(self, api: Api, options: dict[str, Any]) -> Iterator[Row | Refused]:
        answer = accepted(api.get(self.of.address(api, options["name"], options) + self.path))
        yield from map(Row, answer.data[self.key])


@dataclass(frozen=True, kw_only=True)
class Show(Step):
    """One row, a line for each field."""

    of: Named

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.of.add_arguments(parser)

    def run(self, api: Api, options: dict[str, Any]) -> Iterator[Row | Refused]:
        yield Row(self.of.get(api, options["name"], options).data)


@dataclass(frozen=True, kw_only=True)
class Send(Step):
    """A request that changes something, for a new row or for each row that is named.

    `path`: of a new row, or the end of the address below a named row. `positional`: a field of `body` without
    an option. `secret`: a field of `body` that is read from the terminal or the standard input. `fixed`:
    fields that the step always sends. `danger`: a sentence to confirm.
    """

    shown: Sequence[str] | None = ()
    method: str = "POST"
    path: str = ""
    of: Named | None = None
    body: type[StrictSerializer] | None = None
    positional: str = ""
    secret: str = ""
    asks_secret: bool = False
    without: Sequence[str] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    danger: str = ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        takes_many = self.of is not None and not self.positional and not self.asks_secret
        if self.of is not None:
            self.of.add_arguments(parser, many=takes_many)
        if self.body is not None:
            left_out = {*self.without, self.secret, *self.fixed}
            serialized.add_fields(parser, self.body, positional=self.positional, without=left_out)
        if self.secret:
            _add_secret(parser, self.secret, asks=self.asks_secret)
        if self.danger:
            parser.add_argument("--yes", action="store_true", help="confirm it")

    def prepare(self, options: dict[str, Any]) -> None:
        names = options.setdefault("names", [options["name"]] if "name" in options else [])
        options["names"] = list(dict.fromkeys(names))
        if len(options["names"]) > MOST_NAMES:
            raise ValueError(f"At most {MOST_NAMES} names are allowed.")
        options["secret"] = _secret(self.secret, options, asks=self.asks_secret) if self.secret else None
        if self.danger and not options["yes"]:
            _confirm(f"{', '.join(names)}: {self.danger}")
        if self.method == "PATCH" and not self._body(options):
            raise ValueError("Nothing to change: give an option for each field.")

    def requests(self, options: dict[str, Any]) -> int:
        return max(1, len(options["names"]))

    def run(self, api: Api, options: dict[str, Any]) -> Iterator[Row | Refused]:
        body = None if self.method == "DELETE" else self._body(options)
        for name in options["names"] or [None]:
            try:
                address = self.path if self.of is None else self.of.address(api, name, options) + self.path
                answer = accepted(api.send(self.method, address, body))
            except Refused as refused:
                refused.name = name or ""
                yield refused
            else:
                yield Row(answer.data, answer.message)

    def _body(self, options: dict[str, Any]) -> dict[str, Any]:
        given = {} if self.body is None else serialized.given(self.body, options)
        secret = {} if options["secret"] is None else {self.secret: options["secret"]}
        return {**given, **self.fixed, **secret}


def _add_secret(parser: ArgumentParser, name: str, *, asks: bool) -> None:
    """An option, because the command line of a process is no secret."""
    parser.add_argument(
        f"--{name}-stdin",
        action="store_true",
        dest="secret_stdin",
        help=f"read the {name} from the first line of the standard input"
        + (" instead of asking for it" if asks else ""),
    )


def _secret(name: str, options: dict[str, Any], *, asks: bool) -> str | None:
    if options["secret_stdin"]:
        return sys.stdin.readline().removesuffix("\n")
    if not asks:
        return None
    if not sys.stdin.isatty():
        raise ValueError(f"{name}: give it with --{name}-stdin.")
    typed = getpass.getpass(f"{name.capitalize()}: ")
    if getpass.getpass(f"{name.capitalize()} again: ") != typed:
        raise ValueError(f"{name}: both must be equal.")
    return typed


def _confirm(sentence: str) -> None:
    """Ask on the terminal. Raises ValueError for a no."""
    sys.stderr.write(f"{sentence}\n")
    if not sys.stdin.isatty():
        raise ValueError("Not done. Give --yes to confirm it.")
    sys.stderr.write("Continue? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().casefold() not in {"y", "yes"}:
        raise ValueError("Not done.")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError(text)
    return int(text)


_count.__name__ = "number of rows"  # argparse shows it: invalid number of rows value: 'x'
