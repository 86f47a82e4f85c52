"""Shared fixtures: an administrator, an operator, a viewer, and a row of every model with hostile texts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import (
    UnknownToken,
    User,
)
from chargepoints.models import (
    ChargePoint,
    Command,
    FollowUp,
    Message,
    RefusedConnection,
    ReportAssembly,
    SecurityEvent,
)
from tests.admin import hostile
from tests.admin.rows import NOON, a_session, a_station, person, signed_in
from tests.direct.readings import stored
from transactions.models import (
    QuarantinedMessage,
    Transaction,
)


@pytest.fixture
def administrator(db: None) -> Client:
    return signed_in(person(User.Role.ADMINISTRATOR))


@pytest.fixture
def operator(db: None) -> Client:
    return signed_in(person(User.Role.OPERATOR))


@pytest.fixture
def viewer(db: None) -> Client:
    return signed_in(person(User.Role.VIEWER))


@pytest.fixture
def superuser(db: None) -> Client:
    return signed_in(User.objects.create_superuser("root"))


@pytest.fixture
def station(db: None) -> ChargePoint:
    """A 1.6 station with one EVSE, to which the rows of the other fixtures belong."""
    return a_station("CP-1")


@pytest.fixture
def hostile_rows(db: None) -> dict[type, Any]:
    """A row of every model with texts that a browser would run."""
    return hostile.rows()


@pytest.fixture
def many() -> Callable[[int], None]:
    """Add more rows of every table that grows."""

    def make(count: int) -> None:
        for number in range(count):
            station = a_station(f"CP-{ChargePoint.objects.count()}")
            session = a_session(station, 1000 + Transaction.objects.count())
            at = NOON + timedelta(seconds=number)
            Message.objects.create(
                charge_point=station,
                direction="in",
                message_id="m",
                action="Heartbeat",
                request="{}",
                size=1,
                at=at,
            )
            command = Command.objects.create(
                id=f"c{Command.objects.count()}",
                charge_point=station,
                action="Reset",
                payload={},
                created_at=at,
                deadline_at=at,
            )
            FollowUp.objects.create(
                charge_point=station,
                command=command,
                action="NotifyReport",
                request_id=1,
                payload="{}",
                fingerprint="1",
                received_at=at,
            )
            ReportAssembly.objects.create(
                charge_point=station,
                command=command,
                action="NotifyReport",
                request_id=1,
                started_at=at,
                last_at=at,
            )
            stored(
                charge_point=station,
                transaction=session,
                measurand="Power.Active.Import",
                value=1.0,
                raw="1",
                measured_at=at,
                received_at=at,
            )
            RefusedConnection.objects.create(
                identity=f"NEW-{number}", path="/", code=404, reason="Unknown.", at=at
            )
            QuarantinedMessage.objects.create(
                charge_point=station,
                transaction=session,
                action="StopTransaction",
                reason="bad-message",
                payload="{}",
                received_at=at,
            )
            SecurityEvent.objects.create(charge_point=station, type="T", at=at, received_at=at)
            UnknownToken.objects.create(
                uid=f"U{UnknownToken.objects.count()}",
                uid_key=f"u{UnknownToken.objects.count()}",
                first_seen_at=at,
                last_seen_at=at,
            )

    return make
