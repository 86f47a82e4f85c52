"""The statements of a token import: they name their rows, and none grows with the file."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Contract, Token, User
from accounts.services import contracts, token_groups, token_import, tokens
from tests.unit.accounts.test_imports import plan


def test_a_batch_reads_only_the_rows_that_it_names(family: Contract, bob: User) -> None:
    token_groups.create(contract=family, group_id="FAMILY")
    tokens.create(uid="OLD", user=bob, contract=family)

    with CaptureQueriesContext(connection) as captured:
        plan(f"uid,user_id,contract_id,group_id\nOLD,{bob.pk},{family.contract_id},FAMILY")

    read = {query["sql"].partition(' FROM "')[2].partition('"')[0] for query in captured}
    assert len(captured) == len(read) == 5
    assert [query["sql"] for query in captured if " IN (" not in query["sql"]] == []


def test_holders_are_checked_in_all_batches_of_contracts(
    family: Contract, bob: User, max_: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    contracts.create(contract_id="C-2", owner=max_)
    planned = plan(f"uid,user_id,contract_id\nA,{bob.pk},{family.contract_id}\nB,{max_.pk},C-2")
    monkeypatch.setattr(token_import, "_BATCH", 1)

    token_import.write(planned)

    assert Token.objects.count() == 2


def test_many_tokens_are_written_by_statements_of_a_batch_each(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_import, "_BATCH", 2)
    monkeypatch.setattr(token_import, "_UPDATE_BATCH", 3)
    for number in range(5):
        tokens.create(uid=f"T{number}")
    planned = plan("uid,name\n" + "\n".join(f"T{number},n" for number in range(10)))

    with CaptureQueriesContext(connection) as captured:
        token_import.write(planned)

    table = Token._meta.db_table
    found = [query["sql"] for query in captured]
    assert sum(sql.startswith(f'INSERT INTO "{table}"') for sql in found) == 3
    assert sum(sql.startswith(f'UPDATE "{table}"') for sql in found) == 2
    assert set(Token.objects.values_list("name", flat=True)) == {"n"}
