"""A lock on one table blocks writes to that table alone (PostgreSQL)."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from chargepoints.models import Site
from ocpp_server.storage.bulk import Table
from ocpp_server.storage.journal import Journal, JournalUnavailable
from ocpp_server.storage.unit import Unit
from tests.unit.storage.test_journal import counter, journal, locked

__all__ = ["journal"]
pytestmark = pytest.mark.django_db(transaction=True)


async def test_rows_of_another_table_do_not_prove_that_the_refused_one_can_be_written(
    journal: Journal, settings: Any
) -> None:
    settings.OCPP_JOURNAL_BUDGET = 1
    site = Unit()
    now = timezone.now()
    site.insert(Table(Site), name="Beside", name_key="beside", created_at=now, updated_at=now)
    with locked():
        with pytest.raises(JournalUnavailable):
            await journal.commit(counter("refused", 1))

        await journal.commit(site)

        assert journal.down_since is not None
    await journal.commit(counter("next", 1))
    assert journal.down_since is None
