"""The port `IdempotencyStore`: the rows of requests with an Idempotency-Key. The app `accounts` fills it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from ocpp_server.ports import Port


class StoredRequest(Protocol):
    """A request and its answer. `status_code` is None until it is answered."""

    @property
    def pk(self) -> Any: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def status_code(self) -> int | None: ...
    @property
    def answer(self) -> Any: ...


class IdempotencyStore(Protocol):
    """The storage of requests. A module with these functions can fill the port, as an object can."""

    def delete_before(self, moment: datetime) -> None:
        """Delete the requests that came before `moment`."""

    def insert(self, *, actor: str, key: str, fingerprint: str) -> StoredRequest | None:
        """Insert a row and return it; None if this actor has used the key before."""

    def find(self, *, actor: str, key: str) -> StoredRequest | None:
        """The row of this key, if there is one."""

    def take_over(self, pk: Any, *, unanswered_since: datetime) -> bool:
        """Claim a request that has been unanswered since then. True for only one of several callers."""

    def delete(self, pk: Any) -> None:
        """Free the key."""

    def store_answer(self, pk: Any, *, status_code: int, answer: Any) -> None:
        """Store the answer for the next request with this key."""


port = Port[IdempotencyStore]("IdempotencyStore")
