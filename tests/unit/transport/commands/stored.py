"""The rows of commands and of a station, in memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ocpp_server.protocol.versions import V16


class Store:
    """The rows of commands, in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self.ended: list[tuple[str, str]] = []

    def create(self, charge_point: Any, **columns: Any) -> Any:
        row = SimpleNamespace(charge_point=charge_point, state="queued", error_code="", **columns)
        self.rows[row.id] = row
        return SimpleNamespace(**vars(row))

    def load(self, command_id: str) -> Any:
        return self.rows[command_id]

    def end_overdue(self, command_id: str) -> None:
        self.ended.append(("overdue", command_id))

    def end_disconnected(self, command_id: str) -> None:
        self.ended.append(("disconnected", command_id))

    def end_refused(self, command_id: str) -> None:
        self.ended.append(("refused", command_id))

    @property
    def row(self) -> Any:
        (row,) = self.rows.values()
        return row


def a_row(
    status: str = "Accepted", version: str = V16, profile: int = 0, following: int | None = None
) -> Any:
    return SimpleNamespace(
        pk=3,
        identity="CP-1",
        registration_status=status,
        ocpp_version=version,
        security_profile=profile,
        next_security_profile=following,
    )
