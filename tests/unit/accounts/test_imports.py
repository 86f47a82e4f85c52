"""The import of token files as a service: what is checked, written, announced and reported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Contract, Token, TokenImport, User
from accounts.services import contracts, people, token_groups, token_import, tokens
from accounts.views.token_files import check
from events.models import Event
from ocpp_server.domain import Conflict, Invalid

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def rows(text: str) -> list[tuple[int, dict[str, str]]]:
    header, *lines = (line.split(",") for line in text.split("\n"))
    return [
        (number, {name: cell for name, cell in zip(header, line, strict=False) if cell})
        for number, line in enumerate(lines, start=2)
    ]


def imported(text: str, *, is_preview: bool = False) -> TokenImport:
    job = token_import.start(rows(text), check=check, file_name="t.csv", actor="ann", is_preview=is_preview)
    job.refresh_from_db()
    return job


def problems(text: str) -> list[tuple[int, str, str]]:
    job = imported(text)
    assert job.state == "failed"
    return [(one["row"], one["field"], one["reason"]) for one in job.problems]


def plan(text: str) -> token_import.Plan:
    made = token_import.Plan()
    list(token_import.plan_rows(made, rows(text), check))
    assert not made.problems
    return made


def counts(job: TokenImport) -> tuple[int, ...]:
    return (job.row_count, job.done_count, job.created_count, job.changed_count, job.unchanged_count,
            job.problem_count)  # fmt: skip


# -- the report ----------------------------------------------------------------------------------------------


def test_an_import_reports_what_it_has_written(db: None) -> None:
    for uid in ("SAME", "OLD"):
        tokens.create(uid=uid, name="old")

    job = imported("uid,name\nNEW,x\nold,new\nsecond,x\nSAME,old")

    assert (job.file_name, job.actor, job.is_preview, job.state) == ("t.csv", "ann", False, "done")
    assert counts(job) == (4, 4, 2, 1, 0 + 1, 0)
    assert job.sentence == "Imported: 2 new, 1 changed, 1 unchanged."
    assert job.finished_at is not None and timezone.now() - job.finished_at < timedelta(minutes=5)


def test_a_preview_reports_the_same_and_writes_nothing(db: None) -> None:
    job = imported("uid\nNEW", is_preview=True)

    assert (job.is_preview, job.state, job.sentence) == (
        True, "done", "The file is valid: 1 new, 0 changed, 0 unchanged."
    )  # fmt: skip
    assert counts(job) == (1, 1, 1, 0, 0, 0)
    assert not Token.objects.exists() and not Event.objects.exists()


@pytest.mark.parametrize(("is_preview", "state"), [(True, "done"), (False, "failed")])
def test_a_file_with_a_problem_is_counted_and_not_imported(db: None, is_preview: bool, state: str) -> None:
    job = imported("uid,status\nNEW,active\nB,asleep", is_preview=is_preview)

    assert (job.state, counts(job)) == (state, (2, 2, 1, 0, 0, 1))
    assert job.sentence == "1 problems in 2 rows. Nothing was imported."
    assert not Token.objects.exists()


def refuse(texts: dict[str, str]) -> dict[str, Any]:
    raise Invalid("No.", field="uid")


def test_the_first_200_problems_are_shown_and_all_are_counted(db: None) -> None:
    many = [(number, {"uid": "A"}) for number in range(1, 202)]

    job = token_import.start(many, check=refuse, file_name="t", actor="a", is_preview=False)

    assert (job.problem_count, len(job.problems), job.problems[-1]["row"]) == (201, 200, 200)


def test_long_texts_of_a_report_are_cut_to_their_columns(db: None, family: Contract) -> None:
    job = token_import.start([], check=check, file_name="n" * 300, actor="ann", is_preview=True)

    assert job.file_name == "n" * 255


def test_a_conflict_while_writing_is_the_problem_of_the_whole_file(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(planned: token_import.Plan) -> None:
        raise Conflict("S" * 600, field="uid")

    monkeypatch.setattr(token_import, "write", lose)

    job = imported("uid\nA")

    assert (job.state, job.problem_count) == ("failed", 1)
    assert job.problems == [{"row": 0, "field": "uid", "reason": "S" * 600}]
    assert job.sentence == "S" * 500


@pytest.mark.parametrize("fails", [False, True])
def test_a_long_file_is_imported_in_the_background(
    db: None, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    monkeypatch.setattr(token_import, "AT_ONCE", 2)
    started: list[Any] = []
    closed: list[bool] = []

    def start(thread: Any) -> None:
        started.append(thread)

    monkeypatch.setattr(token_import.threading.Thread, "start", start)
    monkeypatch.setattr(connection, "close", lambda: closed.append(True))

    def broken(texts: dict[str, str]) -> dict[str, Any]:
        raise ZeroDivisionError

    at_once = imported("uid\nA\nB")
    job = token_import.start(
        rows("uid\nC\nD\nE"), check=broken if fails else check, file_name="t", actor="a", is_preview=False
    )
    assert (at_once.state, job.state, closed) == ("done", "running", [])
    [thread] = started
    thread.run()

    assert closed == [True]  # a thread has a connection of its own

    job.refresh_from_db()
    assert (thread.daemon, thread.name) == (False, f"token-import-{job.pk}")
    assert (job.state, Token.objects.count()) == (("failed", 2) if fails else ("done", 5))
    if fails:
        assert job.sentence == "The import failed; see the server log. Nothing was imported."


def test_5000_rows_are_imported_at_once_and_more_in_the_background(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr(token_import.threading.Thread, "start", lambda thread: started.append(thread.name))

    def start(count: int) -> TokenImport:
        many = [(2, {"uid": "A"})] * count
        return token_import.start(many, check=refuse, file_name="t", actor="a", is_preview=True)

    at_once, later = start(5000), start(5001)
    assert (at_once.state, later.state, started) == ("done", "running", [f"token-import-{later.pk}"])


@pytest.mark.parametrize(("minutes", "state"), [(4.9, "running"), (5.1, "failed")])
def test_an_import_without_progress_for_five_minutes_has_failed(db: None, minutes: float, state: str) -> None:
    jobs = [TokenImport.objects.create(file_name="a", actor="a", state=one) for one in ("running", "done")]
    TokenImport.objects.update(updated_at=timezone.now() - timedelta(minutes=minutes))

    found = token_import.find(jobs[0].pk)

    assert found is not None and (found.pk, found.state) == (jobs[0].pk, state)
    assert (found.finished_at is not None, bool(found.sentence)) == (state == "failed", state == "failed")
    finished = token_import.find(jobs[1].pk)
    assert finished is not None and (finished.state, token_import.find(4711)) == ("done", None)


def test_another_import_is_not_ended_by_a_question_for_one(db: None) -> None:
    asked, other = [TokenImport.objects.create(file_name="a", actor="a") for _ in range(2)]
    TokenImport.objects.update(updated_at=timezone.now() - timedelta(minutes=6))

    token_import.find(asked.pk)

    other.refresh_from_db()
    assert other.state == "running"


def test_an_import_shows_its_progress_with_every_batch(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_import, "_BATCH", 2)
    job = TokenImport.objects.create(file_name="a", actor="a", row_count=3)
    TokenImport.objects.update(updated_at=NOON)
    seen = []

    def looking(texts: dict[str, str]) -> dict[str, Any]:
        seen.append(TokenImport.objects.values_list("done_count", "updated_at").get(pk=job.pk))
        return check(texts)

    token_import._run(job, rows("uid\nA\nB\nC"), looking)

    assert [done for done, _ in seen] == [0, 0, 2]
    assert seen[0][1] == NOON and timezone.now() - seen[2][1] < timedelta(minutes=5)
    assert counts(job) == (3, 3, 3, 0, 0, 0)


# -- checking ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "row", "field", "words"),
    [
        ("uid,type\nA,\nB,\na,RFID", 4, "uid", "Row 2 has the same uid and type."),
        ("uid,type\naa:bb:cc:00:11:22,VEHICLE\nVID:AABBCC001122,OTHER", 3, "uid", "Row 2"),
        ("uid,type\nAABB,VEHICLE", 2, "uid", "MAC"),
        ("uid,user_id\nA,4711", 2, "user_id", "User 4711 not found."),
        ("uid,user_id\nA,{staff}", 2, "user_id", "not found"),
        ("uid,contract_id\nA,NONE", 2, "contract_id", "Contract NONE not found."),
        ("uid,user_id\nA,{closed}", 2, "user_id", "closed"),
        ("uid,user_id,contract_id\nA,{vera},DE8AA001234567", 2, "user_id", "viewers cannot charge"),
        ("uid,user_id,contract_id\nA,{max},DE8AA001234567", 2, "user_id", "not a member"),
        ("uid,user_id,group_id\nA,{max},family", 2, "user_id", "not a member"),
        ("uid,contract_id,group_id\nA,C-2,family", 2, "group_id", "belongs to contract"),
        ("uid,valid_from,expires_at\nA,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z", 2, "expires_at", "after"),
        ("uid,contract_id\nOLD,C-2", 2, "group_id", "belongs to contract"),
    ],
)
def test_a_problem_names_its_row_field_and_reason(  # noqa: PLR0917 - pytest passes by name
    family: Contract, vera: User, max_: User, text: str, row: int, field: str, words: str
) -> None:
    contracts.create(contract_id="C-2", owner=max_)
    token_groups.create(contract=family, group_id="FAMILY")
    tokens.create(uid="OLD", group_id="FAMILY")
    closed = people.create(name="C", status="closed")
    staff = User.objects.create(username="root", is_staff=True)
    names = {"vera": vera.pk, "max": max_.pk, "closed": closed.pk, "staff": staff.pk}

    [(found_row, found_field, reason)] = problems(text.format(**names))

    assert (found_row, found_field, words in reason) == (row, field, True), reason


def test_a_holder_is_checked_only_of_a_valid_token(family: Contract, vera: User) -> None:
    job = imported(f"uid,user_id,contract_id,valid\nA,{vera.pk},DE8AA001234567,false")

    token = Token.objects.get()
    assert (job.state, token.user, token.contract, token.valid) == ("done", vera, family, False)
    assert token.status == "invalid"


def test_the_same_uid_of_two_types_is_two_tokens(db: None) -> None:
    assert imported("uid,type\nA,RFID\nA,APP").created_count == 2


def test_rows_of_two_batches_are_compared_too(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_import, "_BATCH", 2)

    assert [row for row, _, _ in problems("uid\nA\nB\nC\na")] == [5]
    assert imported("uid\nA\nB\nC").created_count == 3


def test_a_token_is_found_in_any_spelling_and_keeps_what_the_row_leaves_empty(
    family: Contract, bob: User
) -> None:
    token = tokens.create(uid="Card", user=bob, contract=family, name="n", status="blocked", issuer="I")
    other = tokens.create(uid="CARD", type="APP", name="other")

    job = imported("uid,issuer,contract_id\n card ,J,de-8aa-001234567-0")

    token.refresh_from_db()
    other.refresh_from_db()
    assert counts(job) == (1, 1, 0, 1, 0, 0)
    assert (token.uid, token.name, token.status, token.issuer) == ("card", "n", "blocked", "J")
    assert (token.user, token.contract, other.name, other.uid) == (bob, family, "other", "CARD")


def test_a_new_token_has_a_key_a_group_and_the_contract_of_the_group(family: Contract, bob: User) -> None:
    token_groups.create(contract=family, group_id="FAMILY")

    imported(f"uid,group_id,user_id\n CarD ,family,{bob.pk}")

    token = Token.objects.get()
    assert (token.uid, token.uid_key, token.type) == ("CarD", "card", "RFID")
    assert (token.group_id, token.contract, token.user) == ("family", family, bob)


@pytest.mark.parametrize(
    ("given", "row", "after"),
    [
        ({"valid": False}, "A,,true", ("active", True)),
        ({"valid": False}, "A,active,", ("active", True)),
        ({"valid": False}, "A,lost,", ("lost", True)),
        ({}, "A,invalid,", ("invalid", False)),
        ({}, "A,,false", ("invalid", False)),
        ({"status": "lost"}, "A,,false", ("lost", False)),
    ],
)
def test_status_and_valid_of_an_imported_token_agree(
    db: None, given: dict[str, Any], row: str, after: tuple[str, bool]
) -> None:
    tokens.create(uid="A", **given)

    imported(f"uid,status,valid\n{row}")

    assert Token.objects.values_list("status", "valid").get() == after
