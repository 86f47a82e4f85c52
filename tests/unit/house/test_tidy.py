"""A test leaves no rows and no open connections behind."""

from __future__ import annotations

import asyncio
import socket

import pytest
from django.contrib.auth.models import Permission
from django.test import TransactionTestCase

from alerts.models import AlertRule
from chargepoints.models import ChargePoint, Site
from tests import transports


@pytest.mark.django_db(transaction=True)
def test_rows_are_deleted_and_those_of_a_migrated_database_stay() -> None:
    case = TransactionTestCase("run")
    case._fixture_teardown()  # type: ignore[attr-defined]
    rules, permissions = AlertRule.objects.count(), Permission.objects.count()

    for change in (
        lambda: ChargePoint.objects.create(identity="A", site=Site.objects.create(name="Yard")),
        lambda: AlertRule.objects.first().delete(),  # type: ignore[union-attr]
        lambda: AlertRule.objects.update(is_enabled=False),
    ):
        change()
        case._fixture_teardown()  # type: ignore[attr-defined]

        assert not Site.objects.exists() and not ChargePoint.objects.exists()
        assert AlertRule.objects.filter(is_enabled=True).count() == rules > 0
        assert Permission.objects.count() == permissions > 0


def test_a_connection_whose_event_loop_is_closed_is_named_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        loop = asyncio.new_event_loop()
        loop.run_until_complete(loop.create_connection(asyncio.Protocol, host, port))
        assert transports.left_open() == []

        loop.close()

        (left,) = transports.left_open()
        assert left.startswith("Protocol of <socket") and str(port) in left
        assert transports.left_open() == []
