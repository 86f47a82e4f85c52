"""A station with a local list, on a raw socket: it answers what a test lets it answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.conformance.evidence import note
from tests.conformance.peer import V16, Peer

# A payload, the code of an error, or None for no answer.
Reply = dict[str, Any] | str | None


class ListStation:
    """`version` is that of its list; `sent` are the updates that it got. `replies` are answers to the next
    updates instead of Accepted.
    """

    def __init__(self, peer: Peer, *, version: int = 0, most: int = 1000, items: int = 100) -> None:
        self.peer, self.version, self.most, self.items = peer, version, most, items
        self.sent: list[dict[str, Any]] = []
        self._actions: list[str] = []
        self.replies: list[Reply | Callable[[dict[str, Any]], Reply]] = []
        self.enabled = "true"
        self._number = "listVersion" if peer.version == V16 else "versionNumber"

    @property
    def actions(self) -> list[str]:
        """The action of each CALL that it got."""
        note("wire")
        return self._actions

    @property
    def numbers(self) -> list[tuple[str, int]]:
        """The type and version of each update."""
        note("wire")
        return [(one["updateType"], one[self._number]) for one in self.sent]

    def listed(self, number: int = -1) -> dict[str, Any]:
        """The entries of an update: the status of each token, None for a removal."""
        note("wire")
        entries = self.sent[number].get("localAuthorizationList", [])
        if self.peer.version == V16:
            return {one["idTag"]: one.get("idTagInfo", {}).get("status") for one in entries}
        return {one["idToken"]["idToken"]: one.get("idTokenInfo", {}).get("status") for one in entries}

    async def serve(self, task: Awaitable[Any]) -> Any:
        """Answer CALLs until the task is done; its result."""
        doing = asyncio.ensure_future(task)
        answering = asyncio.create_task(self._answer())
        done, _ = await asyncio.wait({doing, answering}, return_when=asyncio.FIRST_COMPLETED)
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        assert doing in done, answering.exception()
        return doing.result()

    async def next_update(self) -> dict[str, Any]:
        """Answer CALLs until the station has accepted another update."""
        before = len(self.sent)
        answering = asyncio.create_task(self._answer(until=before + 1))
        await asyncio.wait_for(answering, 60)
        return self.sent[-1]

    async def _answer(self, until: int | None = None) -> None:
        while until is None or len(self.sent) < until:
            call = await self.peer.next_call(60)
            self._actions.append(call[2])
            reply = self._reply(call[2], call[3])
            if isinstance(reply, str):
                await self.peer.send([4, call[1], reply, "", {}])
            elif reply is not None:
                await self.peer.answer(call, reply)

    def _reply(self, action: str, payload: dict[str, Any]) -> Reply:
        match action:
            case "GetConfiguration":
                reported = {
                    "SupportedFeatureProfiles": "Core,LocalAuthListManagement",
                    "LocalAuthListEnabled": self.enabled,
                    "LocalAuthListMaxLength": str(self.most),
                    "SendLocalListMaxLength": str(self.items),
                }
                keys = [
                    {"key": key, "value": reported[key], "readonly": True} for key in payload.get("key", [])
                ]
                return {"configurationKey": keys}
            case "GetVariables":
                values = {"Available": "true", "Enabled": self.enabled, "ItemsPerMessage": str(self.items)}
                return {
                    "getVariableResult": [self._variable(one, values) for one in payload["getVariableData"]]
                }
            case "GetLocalListVersion":
                return {self._number: self.version}
            case "SendLocalList":
                self.sent.append(payload)
                reply = self.replies.pop(0) if self.replies else {"status": "Accepted"}
                if callable(reply):
                    reply = reply(payload)
                if reply == {"status": "Accepted"}:
                    self.version = payload[self._number]
                return reply
        return "NotImplemented"

    @staticmethod
    def _variable(asked: dict[str, Any], values: dict[str, str]) -> dict[str, Any]:
        value = values.get(asked["variable"]["name"])
        if value is None:
            return {**asked, "attributeStatus": "UnknownVariable"}
        return {**asked, "attributeStatus": "Accepted", "attributeValue": value}
