"""Tokens from a file: preview, problems row by row, all or nothing, progress, and the export."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Contract, Token, TokenImport, UnknownToken, User
from accounts.services import membership, token_files, token_import, tokens
from accounts.views.token_files import check
from ocpp_server.domain import Conflict
from tests.unit.accounts.conftest import Caller, fields

IMPORT = "/api/v1/tokens/import"
EXPORT = "/api/v1/tokens/export"


def upload(
    caller: Caller, content: bytes | str, *, query: str = "", name: str = "tokens.csv", **headers: str
) -> Any:
    """Send a file as the form of a browser does."""
    raw = content.encode() if isinstance(content, str) else content
    file = io.BytesIO(raw)
    file.name = name
    client: Client = caller.client
    names = {key.replace("_", "-"): value for key, value in headers.items()}
    response = client.post(
        IMPORT + query, {"file": file}, headers={"Authorization": f"Api-Key {caller.key}", **names}
    )
    response.info = response.json()["data"]  # type: ignore[attr-defined]
    return response


def sheet(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_preview_writes_nothing_and_lists_the_changes(administrator: Caller) -> None:
    tokens.create(uid="OLD", name="old")
    tokens.create(uid="SAME", name="same")

    response = upload(administrator, "uid,name\nNEW,new\nold,newer\nSAME,same\n", query="?preview=true")

    assert response.status_code == 200
    counts = {name: response.info[name] for name in ("rows", "rows_done", "created", "changed", "unchanged")}
    assert counts == {"rows": 3, "rows_done": 3, "created": 1, "changed": 1, "unchanged": 1}
    assert (response.info["preview"], response.info["state"], response.info["errors"]) == (True, "done", [])
    assert dict(Token.objects.values_list("uid", "name")) == {"OLD": "old", "SAME": "same"}


def test_the_same_file_is_then_imported(administrator: Caller, family: Contract, bob: User) -> None:
    UnknownToken.objects.create(
        uid="A1", uid_key="a1", first_seen_at="2026-01-01T00:00Z", last_seen_at="2026-01-01T00:00Z"
    )
    text = (
        "uid;type;user_id;contract_id;valid;expires_at;energy_wh_per_day;cost_per_day;is_master\r\n"
        f"A1;;{bob.pk};de-8aa-001234567;TRUE;2030-01-01T00:00:00Z;5000;2.5;\r\n"
        "aa:bb:cc:00:11:22;VEHICLE;;;false;;;;no\r\n".replace(";no", ";false")
    )

    response = upload(administrator, "\ufeff" + text)

    assert (response.status_code, response.info["created"]) == (200, 2)
    card, car = Token.objects.order_by("pk")
    assert (card.user, card.contract, card.energy_wh_per_day, float(card.cost_per_day)) == (
        bob,
        family,
        5000,
        2.5,
    )
    assert card.expires_at.year == 2030
    assert (car.uid, car.type, car.valid, car.uid_key) == (
        "VID:AABBCC001122",
        "OTHER",
        False,
        "vid:aabbcc001122",
    )
    assert not UnknownToken.objects.exists()


def test_a_sheet_is_read_with_its_numbers_and_dates(administrator: Caller) -> None:
    from datetime import datetime

    content = sheet(
        ["uid", "name", "valid", "expires_at", "energy_wh_per_day"],
        [12345678, "=1+1 is text", True, datetime(2030, 1, 2, 3, 4), 1000.0],
        [None, None, None, None, None],
        ["B", None, False, None, None],
    )

    response = upload(administrator, content, name="tokens.xlsx")

    assert response.status_code == 200, response.json()
    first, second = Token.objects.order_by("pk")
    assert (first.uid, first.valid, first.energy_wh_per_day) == ("12345678", True, 1000)
    assert first.expires_at.isoformat() == "2030-01-02T03:04:00+00:00"
    assert (second.uid, second.valid) == ("B", False)


def test_every_problem_names_its_row_and_field_and_nothing_is_half_imported(
    administrator: Caller, family: Contract, vera: User
) -> None:
    lines = [
        "uid,type,status,user_id,contract_id,valid,group_id,expires_at",
        "GOOD,,,,,,,",
        ",RFID,,,,,,",
        "no mac,VEHICLE,,,,,,",
        "good,RFID,,,,,,",
        "X1,CARD,sleeping,,,,,",
        "X2,,,4711,,,,",
        "X3,,,,nothing,,,",
        f"X4,,,{vera.pk},DE8AA001234567,,,",
        "X5,,,,,perhaps,,soon",
    ]

    response = upload(administrator, "\n".join(lines))

    assert response.status_code == 400
    assert response.json()["success"] is False
    assert [(one["row"], one["field"]) for one in response.info["errors"]] == [
        (3, "uid"),
        (4, "uid"),
        (6, "type"),
        (6, "status"),
        (10, "valid"),
        (10, "expires_at"),
        (5, "uid"),
        (7, "user_id"),
        (8, "contract_id"),
        (9, "user_id"),
    ]
    assert all(one["reason"] for one in response.info["errors"])
    assert (response.info["state"], response.info["problem_count"]) == ("failed", 10)
    assert not Token.objects.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"name\nA",
        b"uid,uid\nA,B",
        b"uid,colour\nA,red",
        b'uid\n"A',
        b"uid\n\x00",
        b"PK\x03\x04 and nothing more",
    ],
)
def test_a_file_that_is_no_table_is_400(administrator: Caller, content: bytes) -> None:
    response = upload(administrator, content)

    assert response.status_code == 400
    assert fields(response) == ["file"]


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(administrator: Caller) -> None:
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as part,
    ):
        for _ in range(201):
            part.write(b" " * 1024 * 1024)

    response = upload(administrator, file.getvalue(), name="bomb.xlsx")

    assert response.status_code == 400
    assert "200 MB" in response.json()["message"]


def test_a_file_that_is_too_long_is_400(
    administrator: Caller, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(token_files, "MAX_ROWS", 2)
    settings.HTTP_MAX_UPLOAD = 40

    assert upload(administrator, "uid\nA\nB\n", query="?preview=true").status_code == 200
    assert upload(administrator, "uid\nA\nB\nC\n").status_code == 400
    assert upload(administrator, "uid\n" + "A" * 60).status_code == 400


def test_only_a_form_with_a_file_is_accepted(administrator: Caller, viewer: Caller) -> None:
    assert administrator.post(IMPORT, {"file": "x"}).status_code == 415
    form = administrator.client.post(IMPORT, {}, headers={"Authorization": f"Api-Key {administrator.key}"})
    assert form.status_code == 400
    assert upload(viewer, "uid\nA").status_code == 403


def test_the_same_upload_with_one_key_takes_effect_once(administrator: Caller) -> None:
    first = upload(administrator, "uid\nA", Idempotency_Key="k")
    again = upload(administrator, "uid\nA", Idempotency_Key="k", name="other.csv")
    other = upload(administrator, "uid\nB", Idempotency_Key="k")

    assert (first.status_code, again.status_code) == (200, 200)
    assert again["Idempotent-Replayed"] == "true"
    assert other.status_code == 409
    assert TokenImport.objects.count() == 1


def test_a_row_changes_only_its_filled_cells(administrator: Caller, family: Contract, bob: User) -> None:
    token = tokens.create(uid="A", user=bob, contract=family, name="keep", status="blocked")

    upload(administrator, "uid,issuer,name\na,Acme,\n")

    token.refresh_from_db()
    assert (token.issuer, token.name, token.status, token.user, token.contract) == (
        "Acme",
        "keep",
        "blocked",
        bob,
        family,
    )


def test_rows_that_changed_between_check_and_write_are_refused(db: None, family: Contract, bob: User) -> None:
    from accounts.models import Member

    held = tokens.create(uid="HELD")

    def plan(text: str) -> token_import.Plan:
        made = token_import.Plan()
        list(token_import.plan_rows(made, token_files.read(io.BytesIO(text.encode())), check))
        assert not made.problems
        return made

    added = plan("uid\nNEW\nOTHER")
    changed = plan("uid,name\nHELD,x")
    left = plan(f"uid,user_id,contract_id\nBOB,{bob.pk},{family.contract_id}")
    tokens.create(uid="OTHER")
    tokens.update(held, name="meanwhile")
    membership.remove(Member.objects.get(user=bob))

    for outdated in (added, changed, left):
        with pytest.raises(Conflict):
            token_import.write(outdated)
    assert sorted(Token.objects.values_list("uid", "name")) == [("HELD", "meanwhile"), ("OTHER", "")]


def test_a_batch_costs_the_same_queries_at_any_length(db: None) -> None:
    def queries(count: int) -> int:
        text = "uid\n" + "\n".join(f"T{number}" for number in range(count))
        rows = token_files.read(io.BytesIO(text.encode()))
        with CaptureQueriesContext(connection) as captured:
            list(token_import.plan_rows(token_import.Plan(), rows, check))
        return len(captured)

    assert queries(5) == queries(400)


@pytest.mark.django_db(transaction=True)
def test_a_long_file_continues_in_the_background_and_reports_its_progress(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import threading

    from accounts.services import api_keys

    monkeypatch.setattr(token_import, "AT_ONCE", 10)
    _, plain = api_keys.create(name="administrator", role="administrator")
    administrator = Caller(plain)

    begun = upload(administrator, "uid\n" + "\n".join(f"T{number}" for number in range(1200)))
    path = f"/api/v1/tokens/imports/{begun.info['id']}"
    for thread in threading.enumerate():
        if thread.name.startswith("token-import-"):
            thread.join(30)
    done = administrator.get(path)

    assert (begun.status_code, begun.info["state"], begun.info["rows"]) == (202, "running", 1200)
    assert (done.info["state"], done.info["rows_done"], done.info["created"]) == ("done", 1200, 1200)
    assert Token.objects.count() == 1200
    assert administrator.get("/api/v1/tokens/imports/4711").status_code == 404
    assert administrator.get("/api/v1/tokens/imports/x").status_code == 400


def test_an_import_of_a_dead_process_is_reported_as_failed(administrator: Caller) -> None:
    job = TokenImport.objects.create(file_name="a.csv", actor="somebody", row_count=9000)
    running = administrator.get(f"/api/v1/tokens/imports/{job.pk}").info["state"]
    TokenImport.objects.update(updated_at=timezone.now() - timedelta(minutes=6))

    dead = administrator.get(f"/api/v1/tokens/imports/{job.pk}")

    assert (running, dead.info["state"], dead.answer["success"]) == ("running", "failed", False)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_an_exported_file_is_imported_without_a_change(
    administrator: Caller, family: Contract, bob: User, form: str
) -> None:
    # given tokens with texts that an export may damage
    tokens.create(uid="=cmd|' /C calc'!A0", name="+1", user=bob, contract=family, cost_per_day=2.5)
    tokens.create(uid="00042", name='Müller; "x", y\nz', expires_at=None, is_master=True, issuer="-")
    tokens.create(uid="AABBCC001122", type="VEHICLE", valid=False)

    # when they are exported
    response = administrator.get(f"{EXPORT}?format={form}")
    content = b"".join(response.streaming_content)

    # then no cell is a formula, and the file changes nothing
    assert b'"tokens.' in response["Content-Disposition"].encode()
    if form == "csv":
        assert not any(line.startswith("=") for line in content.decode("utf-8-sig").splitlines())
    again = upload(administrator, content, name=f"tokens.{form}")
    assert (again.status_code, again.info["unchanged"], again.info["changed"]) == (200, 3, 0)


def test_an_export_is_filtered_as_the_list_is(viewer: Caller) -> None:
    tokens.create(uid="A")
    tokens.create(uid="B", status="blocked")

    response = viewer.get(f"{EXPORT}?status=blocked")
    rows = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()

    assert len(rows) == 2
    assert rows[1].startswith("B,")
    assert viewer.get(f"{EXPORT}?format=pdf").status_code == 400
