"""The ids of the SENDs on a socket: they count for the uniqueness of message ids (2.1 Edition 2, part 4)."""

from __future__ import annotations

from typing import Final

from .frames import Send

REMEMBERED: Final = 8


class SendMemory:
    """The last SENDs of one socket. Of each only the hash of its action and payload is kept."""

    __slots__ = ("_hashes",)

    def __init__(self) -> None:
        self._hashes: dict[str, int] = {}  # by id, oldest first

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._hashes

    def clear(self) -> None:
        """Forget all: the station has restarted and may count its message ids from 1 again."""
        self._hashes.clear()

    def is_repeated(self, send: Send) -> bool:
        """Whether the same SEND has come before. It is remembered from now on."""
        content, known = hash((send.action, send.payload)), self._hashes.pop(send.id, None)
        if len(self._hashes) >= REMEMBERED:
            del self._hashes[next(iter(self._hashes))]
        self._hashes[send.id] = content
        return known == content
