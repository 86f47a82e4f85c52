"""A test leaves no rows, no open connections and no lost errors behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import Generator, Iterator

import pytest
from django.contrib.auth.models import Permission
from django.test import TransactionTestCase

from alerts.models import AlertRule
from chargepoints.models import ChargePoint, Site
from ocpp_server.storage.unit import Unit
from tests import transports
from tests.direct.fixtures import functions_stored_at_once
from tests.direct.process import running


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


@contextlib.contextmanager
def left_by_a_closed_loop() -> Iterator[int]:
    """A connection that nothing refers to, and that nothing can close; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        loop = asyncio.new_event_loop()
        loop.run_until_complete(loop.create_connection(asyncio.Protocol, host, port))
        assert transports.left_open() == []
        loop.close()
        yield port


def test_a_connection_whose_event_loop_is_closed_is_named_once() -> None:
    with left_by_a_closed_loop() as port:
        gc.collect()

        (left,) = transports.left_open()

        assert left.startswith("Protocol of <socket") and str(port) in left
        assert transports.left_open() == []


def teardown(pytestconfig: pytest.Config) -> Generator[None]:
    """The hook of the root conftest.py around the teardown of a test, which runs now."""
    plugin = pytestconfig.pluginmanager.get_plugin(str(pytestconfig.rootpath / "conftest.py"))
    hook: Generator[None] = plugin.pytest_runtest_teardown(None)  # type: ignore[union-attr]
    next(hook)
    return hook


def test_a_connection_that_is_left_fails_its_test(pytestconfig: pytest.Config) -> None:
    with left_by_a_closed_loop() as port, pytest.raises(pytest.fail.Exception, match=str(port)):
        next(teardown(pytestconfig), None)


def test_a_teardown_that_fails_leaves_no_connection_to_the_next_test(pytestconfig: pytest.Config) -> None:
    with left_by_a_closed_loop(), pytest.raises(LookupError):
        teardown(pytestconfig).throw(LookupError())

    assert transports.left_open() == []


@pytest.mark.django_db(transaction=True)
async def test_an_error_in_a_function_of_a_unit_is_raised_at_the_end_of_its_test(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong() -> None:
        raise LookupError("nothing of this name")

    async with running():
        with pytest.raises(LookupError, match="nothing of this name"):
            async with functions_stored_at_once(monkeypatch):
                Unit().run(wrong)
                Unit().run(list)
