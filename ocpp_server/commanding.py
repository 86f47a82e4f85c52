"""`OperatorCommand`: one declaration for a command that an operator can send to a station.

Apps declare their commands with `command(...)` in `<app>/commands/<block>.py` and announce the package in
`AppConfig.ready`; `commands()` imports the announced packages when it is first called. The REST endpoint, the
admin's button with its form, `manage.py station`, `docs/commands.md` and the capability check come from the
declaration.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from dataclasses import field as dataclass_field
from importlib import import_module
from typing import Any, ParamSpec, cast

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ocpp_server import capabilities, live, splitting
from ocpp_server import command_fields as fields
from ocpp_server.capabilities import Needs
from ocpp_server.command_fields import Field, Label
from ocpp_server.credentials import Role
from ocpp_server.domain import Conflict, StationOffline
from ocpp_server.error_codes import Code
from ocpp_server.protocol import actions
from ocpp_server.protocol.versions import VERSIONS, in_dialect, label
from ocpp_server.storage.journal import journal
from ocpp_server.transport import calls
from ocpp_server.transport.calls import Row
from ocpp_server.transport.command_store import Addressee

# `spell_16` and `spell_2x`: the payload of the CALL, from the arguments.
Spelling = Callable[..., dict[str, Any]]
# A rule before the CALL: (charge_point, **arguments) -> the arguments to go on with. Raises DomainError.
Prepare = Callable[..., Awaitable[dict[str, Any]]]
# (charge_point, **arguments) -> a sentence about what will probably go wrong, empty if nothing. The command
# may be sent nevertheless. Uses the database.
Warn = Callable[..., Label]
# The danger of a command with these arguments, as a sentence; empty if there is none.
Danger = Callable[[Addressee, Mapping[str, Any]], Label]


class NotSupported(Conflict):
    """The station can't do it: its version has no such action, or it has reported that it lacks it."""

    default_code = Code.NOT_SUPPORTED


@dataclass(frozen=True)
class Result:
    """The row of the CALL, or of the one that stands for several. `data` is what an answer shows besides, if
    that is not the station's response. `pending` is a sentence about content that is still to come, `warning`
    one about the command. `shown_once` labels the fields of `data` that one answer shows and nothing stores.
    """

    command: Any
    data: Mapping[str, Any] | None = None
    pending: str = ""
    warning: str = ""
    shown_once: Mapping[str, Label] = dataclass_field(default_factory=dict)


Run = Callable[..., Awaitable[Result]]
P = ParamSpec("P")


@dataclass(frozen=True)
class Rest:
    """The differences from other commands in the REST API.

    `path` is the end of the address, the command's name unless given; `is_served_elsewhere` if a view of its
    own has this path. `noun` replaces the action in the sentences of answers. `echo` are fields of the body
    that an answer repeats instead of the action and the station's response. `answer` is the import path of
    the serializer of `Result.data`: a text, because commands do not import the REST API.
    """

    path: str = ""
    is_served_elsewhere: bool = False
    noun: str = ""
    echo: tuple[str, ...] = ()
    answer: str = ""
    description: str = ""


@dataclass(frozen=True, eq=False)
class OperatorCommand:
    """A command that operators can send, in both dialects.

    `name` is its name in addresses and for `manage.py station`; `sentence` says what it does. `action` is the
    OCPP action, `action_16` its name in 1.6 where that differs; THE TABLE has the versions. Without a
    spelling, the payload has the given fields by their API names. `prepare` is a rule before the CALL, and
    `run` replaces the CALL where it is more than one. `danger` asks for a confirmation; so does `warn` in the
    admin, and the API's answer has its sentence. `icon` is a Material symbol, `position` the place among the
    buttons. `is_for_one`: it makes no sense for several stations at once.
    """

    name: str
    title: Label
    sentence: Label
    _: KW_ONLY
    action: str = ""
    action_16: str = ""
    fields: tuple[Field, ...] = ()
    icon: str = "send"
    tone: str = ""
    position: int = 100
    role: Role = Role.OPERATOR
    danger: Label | Danger = ""
    spell_16: Spelling | None = None
    spell_2x: Spelling | None = None
    prepare: Prepare | None = None
    run: Run | None = None
    warn: Warn | None = None
    needs: Needs | None = None
    is_for_one: bool = False
    rest: Rest = dataclass_field(default_factory=Rest)

    @property
    def path(self) -> str:
        """The end of the command's address below /api/v1/chargepoints/{id}/."""
        return self.rest.path or self.name

    @property
    def actions(self) -> tuple[str, ...]:
        """The OCPP actions of both dialects, each once; empty for a command that sends any."""
        return tuple(dict.fromkeys(name for name in (self.action_16, self.action) if name))

    @property
    def fits_many(self) -> bool:
        """Whether the same arguments make sense for several stations at once."""
        of_one = (fields.Transaction, fields.Evse, fields.Connector)
        needs_one = any(field.required and isinstance(field, of_one) for field in self.fields)
        return not (self.is_for_one or needs_one)

    def action_of(self, version: str) -> str:
        """The action that a station of this version gets."""
        return in_dialect(version, self.action_16 or self.action, self.action)

    def is_of(self, version: str) -> bool:
        """Whether this version of OCPP has the action."""
        action = self.action_of(version)
        return not action or action in actions.to_station(version)

    def fields_at(self, charge_point: Addressee) -> tuple[Field, ...]:
        """The fields as this station needs them: choices and labels of its version, without those that it
        can't use.
        """
        adapted = (field.at(charge_point) for field in self.fields)
        return tuple(field for field in adapted if field is not None)

    def confirmation(self, charge_point: Addressee, arguments: Mapping[str, Any]) -> str:
        """The sentence to confirm before this is sent; empty if it is not dangerous."""
        danger = self.danger
        if isinstance(danger, str | Promise):
            return str(danger)
        return str(danger(charge_point, self.completed(arguments)))

    def warning(self, charge_point: Addressee, arguments: Mapping[str, Any]) -> str:
        """A sentence about what will probably go wrong with these arguments, or "". Reads the database."""
        return str(self.warn(charge_point, **self.completed(arguments))) if self.warn is not None else ""

    def completed(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The given arguments and the defaults of the others. Raises TypeError for an unknown one."""
        unknown = arguments.keys() - {field.argument for field in self.fields}
        if unknown:
            raise TypeError(f"{self.name} has no argument {', '.join(sorted(unknown))}")
        values = {field.argument: arguments.get(field.argument) for field in self.fields}
        values |= {field.argument: field.default for field in self.fields if values[field.argument] is None}
        return {name: value for name, value in values.items() if value is not None}

    # -- may this station do it? -----------------------------------------------------------------------------

    def unsupported(self, charge_point: Addressee, reported: Mapping[str, str]) -> str:
        """Why this station can't do it, as a sentence; empty if it can. `reported` is from the port."""
        version = charge_point.ocpp_version
        if version not in VERSIONS:
            return gettext("%(station)s has never connected.") % {"station": charge_point.identity}
        if not self.is_of(version):
            return gettext("OCPP %(version)s has no %(action)s.") % {
                "version": label(version),
                "action": self.action_of(version),
            }
        return self.needs.unmet(version, reported) if self.needs is not None else ""

    async def require(self, charge_point: Addressee) -> None:
        """Raise NotSupported if the station can't do it, StationOffline if its version is not known yet."""
        if charge_point.ocpp_version not in VERSIONS:
            raise StationOffline(f"{charge_point.identity} is known but offline.")
        names = needed_names((self,), charge_point)
        reported: Mapping[str, str] = {}
        # An offline station is refused for that, without a query.
        if names and live.state().is_connected(charge_point.identity):
            reported = await journal.run(capabilities.reports.app.values, charge_point.pk, names)
        reason = self.unsupported(charge_point, reported)
        if reason:
            raise NotSupported(reason)

    # -- sending ---------------------------------------------------------------------------------------------

    async def perform(
        self,
        charge_point: Addressee,
        *,
        actor: str,
        timeout: float | None = None,
        wait: bool = True,
        **arguments: Any,
    ) -> Result:
        """Check that the station supports it, and send it.

        An argument that is None counts as not given. Raises NotSupported, the errors of `prepare` and of
        `calls.call`.
        """
        given = asked = self.completed(arguments)
        connection = await live.state().connection(charge_point.identity)
        if connection is not None:
            # The row has the version of the last message: none yet, or the one before an update.
            charge_point.ocpp_version = connection.version
        if self.prepare is not None:
            given = await self.prepare(charge_point, **given)
        await self.require(charge_point)
        warning = "" if self.warn is None else await journal.run(self.warning, charge_point, asked)
        run = self._call if self.run is None else self.run
        result = await run(charge_point, actor=actor, timeout=timeout, wait=wait, **given)
        result = replace(result, warning=warning) if warning else result
        if self.rest.echo and result.data is None:
            return replace(result, data=self._echo(given))
        return result

    async def send(
        self,
        charge_point: Addressee,
        *,
        actor: str,
        timeout: float | None = None,
        wait: bool = True,
        **arguments: Any,
    ) -> Row:
        """Like `perform`; returns the row of the command alone."""
        result = await self.perform(charge_point, actor=actor, timeout=timeout, wait=wait, **arguments)
        return cast("Row", result.command)

    async def _call(
        self, charge_point: Addressee, *, actor: str, timeout: float | None, wait: bool, **arguments: Any
    ) -> Result:
        version = charge_point.ocpp_version
        action, payload = self.action_of(version), self.payload(version, arguments)
        command: Any = await calls.call(
            charge_point, action, payload, actor=actor, timeout=timeout, wait=wait
        )
        return Result(command)

    def payload(self, version: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The payload in the dialect of this version. Raises Invalid for what the dialect can't express."""
        spell = in_dialect(version, self.spell_16, self.spell_2x) or self._as_named
        return spell(**self.completed(arguments))

    def _echo(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values = {field.name: given.get(field.argument) for field in self.fields}
        # A row is repeated by its number.
        echoed = {name: getattr(values[name], "pk", values[name]) for name in self.rest.echo}
        return {name: value for name, value in echoed.items() if value is not None}

    def _as_named(self, **arguments: Any) -> dict[str, Any]:
        names = {field.argument: field.name for field in self.fields}
        return {names[argument]: value for argument, value in arguments.items()}


# -- the registry --------------------------------------------------------------------------------------------

_announced: list[str] = []
_imported: set[str] = set()
_commands: dict[str, OperatorCommand] = {}


def register(declared: OperatorCommand) -> OperatorCommand:
    """Add a declaration. Raises ValueError if its name or its address is taken."""
    for other in _commands.values():
        if other.name == declared.name or other.path == declared.path:
            raise ValueError(f"two commands are named {declared.name} or have the path {declared.path}")
    _commands[declared.name] = declared
    return declared


def _registered(make: Callable[P, OperatorCommand]) -> Callable[P, OperatorCommand]:
    def declare(*args: P.args, **kwargs: P.kwargs) -> OperatorCommand:
        return register(make(*args, **kwargs))

    return declare


# Declares a command: makes an OperatorCommand of the arguments and registers it.
command = _registered(OperatorCommand)


def announce(package: str) -> None:
    """Register a package that declares commands. For `AppConfig.ready`, which must not import it."""
    if package not in _announced:
        _announced.append(package)


def commands() -> Sequence[OperatorCommand]:
    """Every declared command, in the order of the buttons."""
    for name in [one for one in _announced if one not in _imported]:
        package = import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            import_module(module.name)
        _imported.add(name)
    return sorted(_commands.values(), key=lambda one: (one.position, one.name))


def find(name: str) -> OperatorCommand | None:
    """The command of this name."""
    return next((one for one in commands() if one.name == name), None)


# -- several commands of one station -------------------------------------------------------------------------


def needed_names(of: Iterable[OperatorCommand], charge_point: Addressee) -> set[str]:
    """The keys or variables that decide whether the station supports these commands."""
    version = charge_point.ocpp_version
    return {name for one in of if one.needs is not None for name in one.needs.names(version)}


def unsupported(of: Sequence[OperatorCommand], charge_point: Addressee) -> dict[str, str]:
    """Why the station can't do some of these commands, by name; the others are missing. Uses the database
    once, for all of them.
    """
    names = needed_names(of, charge_point)
    reported = capabilities.reports.app.values(charge_point.pk, names) if names else {}
    reasons = {one.name: one.unsupported(charge_point, reported) for one in of}
    return {name: reason for name, reason in reasons.items() if reason}


# -- the generic door ----------------------------------------------------------------------------------------


def _every_action(field: fields.Choice, charge_point: Addressee) -> fields.Choice:
    return replace(field, choices=tuple((name, name) for name in sorted(calls.supported(charge_point))))


async def _send_any(
    charge_point: Addressee, *, action: str, payload: dict[str, Any] | None = None, **how: Any
) -> Result:
    return Result(*await splitting.send(charge_point, action, payload or {}, **how))


SEND = command(
    "send",
    _("Any action"),
    _("Send any command of the station's OCPP version."),
    icon="terminal",
    position=1000,
    fields=(
        fields.Choice("action", _("Action"), required=True, most=64, example="Reset", adapt=_every_action),
        fields.Object(
            "payload",
            _("Payload"),
            example={"type": "Soft"},
            help=_("JSON by the schema of the station's OCPP version. It is validated before it is sent."),
        ),
    ),
    run=_send_any,
    rest=Rest(
        path="commands",
        is_served_elsewhere=True,
        description="A list that is longer than the station takes in one message (ItemsPerMessage, "
        "BytesPerMessage, GetConfigurationMaxKeys) is sent in parts and answered as one; `requestIds` names "
        "the parts. SendLocalList and GetReport can't be split: 409 with the limit.",
    ),
)
