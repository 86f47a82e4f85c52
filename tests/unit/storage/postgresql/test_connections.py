"""Connections of requests, journal and migrations, and the time limits of their statements (PostgreSQL)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import post_migrate

from ocpp_server.storage import database

pytestmark = pytest.mark.django_db(transaction=True)


def limits() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout')"
        )
        return dict(cursor.fetchall())


def in_a_thread(*steps: Any) -> Any:
    """Run the steps on a connection as a request has it; the result of the last step."""

    def run() -> Any:
        try:
            return [step() for step in steps][-1]
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()


def test_a_request_has_a_connection_of_the_pool_and_a_limit() -> None:
    usual = f"{settings.DATABASE_STATEMENT_TIMEOUT * 1000:.0f}"

    assert in_a_thread(limits) == {"statement_timeout": usual, "lock_timeout": "0"}


def test_the_journal_has_a_connection_of_its_own_that_waits_for_locks_briefly() -> None:
    found = in_a_thread(lambda: database.leave_pool(lock_wait_ms=500), limits)

    assert found == {"statement_timeout": "0", "lock_timeout": "500"}


def test_migrations_have_no_time_limit_and_requests_have_one() -> None:
    found: list[dict[str, str]] = []

    def look(**_: Any) -> None:
        found.append(limits())

    # The server restores the limit in the last post_migrate signal; the signal of this app comes before it.
    post_migrate.connect(look, sender=apps.get_app_config("accounts"))
    try:
        after = in_a_thread(lambda: call_command("migrate", verbosity=0), limits)
    finally:
        post_migrate.disconnect(look, sender=apps.get_app_config("accounts"))

    assert [there["statement_timeout"] for there in found] == ["0"]
    assert after["statement_timeout"] != "0"
