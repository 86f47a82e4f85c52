"""Handlers of messages: @on, @also, @after, @reply, @failed, checked against THE TABLE while modules are
imported.

    @on("StartTransaction", V16)                answers a request of a station
    @also("StatusNotification", V16)            reacts to it in another app, in the same unit of work
    @after("BootNotification", V16, V201, V21)  runs once the answer has been sent
    @reply("Reset", V16, V201, V21)             runs when a station answers a call of the server
    @failed("TriggerMessage", V16, V201, V21)   runs when it answers the call with a CALLERROR

A message has at most one @on, one @reply and one @failed handler. It has any number of @also and @after
handlers, which run in the order in which their modules are imported: the order of the installed apps, and of
file names within an app. The import fails for a second @on, @reply or @failed handler of the same message,
for an action that the version does not have, and for an action that the other side sends. So a later
registration never replaces an earlier one silently.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar, get_args

from .actions import action
from .versions import VERSIONS, Version

Handler = Callable[..., Any]
Role = Literal["on", "also", "after", "reply", "failed"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
_H = TypeVar("_H", bound=Handler)

# Version and action as plain `str`, because a connection has its version as `str`: see `versions` for the
# cost of a look-up.
_Key = tuple[str, str]


class RegistrationError(TypeError):
    """A decorator contradicts THE TABLE or another handler; raised at import."""


class Registry:
    """Handlers by (version, action), one table per role."""

    def __init__(self) -> None:
        self._on: Final[dict[_Key, Handler]] = {}
        self._reply: Final[dict[_Key, Handler]] = {}
        self._failed: Final[dict[_Key, Handler]] = {}
        self._also: Final[dict[_Key, tuple[Handler, ...]]] = {}
        self._after: Final[dict[_Key, tuple[Handler, ...]]] = {}
        self._single: Final[dict[Role, dict[_Key, Handler]]] = {
            "on": self._on,
            "reply": self._reply,
            "failed": self._failed,
        }
        self._many: Final[dict[Role, dict[_Key, tuple[Handler, ...]]]] = {
            "also": self._also,
            "after": self._after,
        }

    def on(self, name: str, *versions: Version, inbound: bool = False) -> Callable[[_H], _H]:
        """Answer an action that stations send: `handler(station, request) -> response`.

        `inbound` admits an action that only the CSMS sends by the specification: one family of 1.6 stations
        sends GetConfiguration and ChangeConfiguration to the server.
        """
        return self._decorator("on", name, versions, inbound=inbound)

    def also(self, name: str, *versions: Version) -> Callable[[_H], _H]:
        """React to an action after its @on handler and before the commit: `reaction(station, request)`.

        Its changes are stored or rolled back with the message.
        """
        return self._decorator("also", name, versions)

    def after(self, name: str, *versions: Version) -> Callable[[_H], _H]:
        """Run after the message was committed and its answer sent: `handler(station, request)`.

        Its changes are stored in a unit of work of their own. They are lost when the process ends before
        that.
        """
        return self._decorator("after", name, versions)

    def reply(self, name: str, *versions: Version) -> Callable[[_H], _H]:
        """Run when a station answers a call of the server: `handler(station, request, response, command_id)`.

        It runs whether or not a caller still waits for the answer.
        """
        return self._decorator("reply", name, versions)

    def failed(self, name: str, *versions: Version) -> Callable[[_H], _H]:
        """Run when a station answers a call with a CALLERROR: `handler(station, request, code)`.

        The code is the station's own text.
        """
        return self._decorator("failed", name, versions)

    def handler(self, version: str, name: str) -> Handler | None:
        """The @on handler; None when the action is not served."""
        return self._on.get((version, name))

    def reactions(self, version: str, name: str) -> tuple[Handler, ...]:
        """The @also handlers, in the order in which they run."""
        return self._also.get((version, name), ())

    def after_handlers(self, version: str, name: str) -> tuple[Handler, ...]:
        """The @after handlers, in the order in which they run."""
        return self._after.get((version, name), ())

    def reply_handler(self, version: str, name: str) -> Handler | None:
        """The @reply handler, if any."""
        return self._reply.get((version, name))

    def failed_handler(self, version: str, name: str) -> Handler | None:
        """The @failed handler, if any."""
        return self._failed.get((version, name))

    def registered(self, role: Role) -> frozenset[_Key]:
        """Every (version, action) that has a handler of this role."""
        return frozenset(self._many[role] if role in self._many else self._single[role])

    def _decorator(
        self, role: Role, name: str, versions: tuple[Version, ...], *, inbound: bool = False
    ) -> Callable[[_H], _H]:
        if not versions:
            raise RegistrationError(f"@{role}({name!r}) names no version")
        for version in versions:
            _refuse_contradiction(role, name, version, inbound=inbound)

        def register(handler: _H) -> _H:
            for version in versions:
                key = (str(version), name)
                if role in self._many:
                    table = self._many[role]
                    table[key] = (*table.get(key, ()), handler)
                    continue
                if (first := self._single[role].get(key)) is not None:
                    raise RegistrationError(
                        f"@{role}({name!r}) for {version}: {_place(handler)} would replace {_place(first)}"
                    )
                self._single[role][key] = handler
            return handler

        return register


def _refuse_contradiction(role: Role, name: str, version: Version, *, inbound: bool) -> None:
    where = f"@{role}({name!r}) for {version}"
    if version not in VERSIONS:
        raise RegistrationError(f"{where}: no such version")
    row = action(name, version)
    if row is None:
        raise RegistrationError(f"{where}: this version has no such action")
    if inbound and row.is_from_station:
        raise RegistrationError(f"{where}: stations send it anyway, inbound is for the others")
    fits = row.is_to_station if role in ("reply", "failed") else row.is_from_station or inbound
    if not fits:
        raise RegistrationError(f"{where}: the action runs the other way")


def _place(handler: Handler) -> str:
    return f"{handler.__module__}.{handler.__qualname__}"


registry: Final = Registry()

on = registry.on
also = registry.also
after = registry.after
reply = registry.reply
failed = registry.failed
handler = registry.handler
reactions = registry.reactions
after_handlers = registry.after_handlers
reply_handler = registry.reply_handler
failed_handler = registry.failed_handler
