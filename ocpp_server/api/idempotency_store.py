"""The port `IdempotencyStore`: the rows of requests that carried an Idempotency-Key. `accounts` fills it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from ocpp_server.ports import Port


class StoredRequest(Protocol):
    """A request and, once it was answered, its answer. `status_code` is None until then."""

    @property
    def pk(self) -> Any: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def status_code(self) -> int | None: ...
    @property
    def answer(self) -> Any: ...


class IdempotencyStore(Protocol):
    """Where requests are kept. A module with these functions fills it as well as an object."""

    def delete_before(self, moment: datetime) -> None:
        """Delete the requests that came before `moment`."""

    def insert(self, *, actor: str, key: str, fingerprint: str) -> StoredRequest | None:
        """The new row; None when this actor has used the key before."""

    def find(self, *, actor: str, key: str) -> StoredRequest | None:
        """The row of this key, if there is one."""

    def take_over(self, pk: Any, *, unanswered_since: datetime) -> bool:
        """Claim a request that got no answer since then; one caller of many gets True."""

    def delete(self, pk: Any) -> None:
        """Free the key."""

    def store_answer(self, pk: Any, *, status_code: int, answer: Any) -> None:
        """Keep the answer for the next request with this key."""


port = Port[IdempotencyStore]("IdempotencyStore")
