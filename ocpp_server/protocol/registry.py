"""Who serves which message: @on, @also, @after and @reply, checked while modules are imported.

    @on("StartTransaction", V16)                answers what a station sends
    @also("StatusNotification", V16)            reacts to it in another app, in the same unit of work
    @after("BootNotification", V16, V201, V21)  runs once the answer has left
    @reply("Reset", V16, V201, V21)             runs when a station answers what we sent

@also takes any number of reactions, which run in the order in which their modules are imported: that of the
installed apps, and of file names within an app. Of the others, a second handler for the same message stops
the start, as do an action the version does not have and one that runs the other way: the last one never wins
silently.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

from .actions import Action, action
from .versions import VERSIONS, Version

Handler = Callable[..., Any]
Role = Literal["on", "also", "after", "reply"]
_H = TypeVar("_H", bound=Handler)


class RegistrationError(TypeError):
    """A decorator that contradicts the table or another handler; raised at import."""


class Registry:
    """Handlers by (version, action), one table per role."""

    def __init__(self) -> None:
        self._tables: Final[dict[Role, dict[tuple[Version, str], Handler]]] = {
            "on": {},
            "after": {},
            "reply": {},
        }
        self._reactions: Final[dict[tuple[Version, str], tuple[Handler, ...]]] = {}
        self.handler_of = self._tables["on"].get
        self.reactions_of = self._reactions.get
        self._inbound: set[tuple[Version, str]] = set()

    def on(self, name: str, *versions: Version, inbound: bool = False) -> Callable[[_H], _H]:
        """Serve an action stations send.

        `inbound` admits an action that the specification sends the other way: one family of 1.6 stations asks
        us for GetConfiguration and ChangeConfiguration.
        """
        return self._decorator("on", name, versions, inbound=inbound)

    def also(self, name: str, *versions: Version) -> Callable[[_H], _H]:
        """React to an action after its handler and before the commit: `reaction(station, request)`.

        What it changes is stored or taken back with the message.
        """
        if not versions:
            raise RegistrationError(f"@also({name!r}) names no version")
        for version in versions:
            self._refuse_contradiction("also", name, version, inbound=False)

        def register(reaction: _H) -> _H:
            for version in versions:
                known = self._reactions.get((version, name), ())
                self._reactions[version, name] = (*known, reaction)
            return reaction

        return register

    def after(self, name: str, *versions: Version, inbound: bool = False) -> Callable[[_H], _H]:
        """Run after the answer to an action has been committed and has left."""
        return self._decorator("after", name, versions, inbound=inbound)

    def reply(self, name: str, *versions: Version) -> Callable[[_H], _H]:
        """Run when a station answers an action of ours, whether or not anybody still waits."""
        return self._decorator("reply", name, versions, inbound=False)

    def handler(self, version: Version, name: str) -> Handler | None:
        """The @on handler, None when nobody serves the action."""
        return self.handler_of((version, name))

    def reactions(self, version: Version, name: str) -> tuple[Handler, ...]:
        """The @also reactions, in the order in which they run."""
        return self.reactions_of((version, name), ())

    def after_handler(self, version: Version, name: str) -> Handler | None:
        """The @after handler, if any."""
        return self._tables["after"].get((version, name))

    def reply_handler(self, version: Version, name: str) -> Handler | None:
        """The @reply handler, if any."""
        return self._tables["reply"].get((version, name))

    def is_inbound(self, version: Version, name: str) -> bool:
        """Whether stations may send this action although the table says that we do."""
        return (version, name) in self._inbound

    def registered(self, role: Role) -> frozenset[tuple[Version, str]]:
        """Every (version, action) that has a handler of this role."""
        return frozenset(self._reactions if role == "also" else self._tables[role])

    def _decorator(
        self, role: Role, name: str, versions: tuple[Version, ...], *, inbound: bool
    ) -> Callable[[_H], _H]:
        if not versions:
            raise RegistrationError(f"@{role}({name!r}) names no version")
        for version in versions:
            self._refuse_contradiction(role, name, version, inbound=inbound)

        def register(handler: _H) -> _H:
            table = self._tables[role]
            for version in versions:
                if (first := table.get((version, name))) is not None:
                    raise RegistrationError(
                        f"@{role}({name!r}) for {version}: {_place(handler)} would replace {_place(first)}"
                    )
                table[version, name] = handler
                if inbound:
                    self._inbound.add((version, name))
            return handler

        return register

    def _refuse_contradiction(self, role: Role, name: str, version: Version, *, inbound: bool) -> None:
        where = f"@{role}({name!r}) for {version}"
        if version not in VERSIONS:
            raise RegistrationError(f"{where}: no such version")
        row: Action | None = action(name, version)
        if row is None:
            raise RegistrationError(f"{where}: this version has no such action")
        if inbound and row.is_from_station:
            raise RegistrationError(f"{where}: stations send it anyway, inbound is for the others")
        fits = row.is_to_station if role == "reply" else row.is_from_station or inbound
        if not fits:
            raise RegistrationError(f"{where}: the action runs the other way")


def _place(handler: Handler) -> str:
    return f"{handler.__module__}.{handler.__qualname__}"


registry: Final = Registry()

on = registry.on
also = registry.also
after = registry.after
reply = registry.reply
handler = registry.handler
reactions = registry.reactions
after_handler = registry.after_handler
reply_handler = registry.reply_handler
is_inbound = registry.is_inbound
