"""Tokens from a file in the admin: preview, import, progress and export."""

from __future__ import annotations

import io
import threading
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Token, TokenImport, TokenUpload, User
from accounts.services import token_files, token_import, token_uploads, tokens
from tests.admin.hostile import HOSTILE
from tests.admin.rows import person, signed_in
from tests.admin.test_pages import is_harmless

UPLOAD = "/admin/accounts/token/import/"
LIST = "/admin/accounts/token/"


def upload(client: Client, content: str | bytes, name: str = "tokens.csv") -> Any:
    """Upload a file and follow the redirect."""
    file = io.BytesIO(content.encode() if isinstance(content, str) else content)
    file.name = name
    return client.post(UPLOAD, {"file": file}, follow=True)


def sheet(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def page_of(job: TokenImport | None) -> str:
    assert job is not None
    return reverse("admin:token-import-job", args=[job.pk])


def content_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


@pytest.mark.parametrize("role", [User.Role.VIEWER, User.Role.OPERATOR])
def test_only_administrators_import(role: str, administrator: Client) -> None:
    upload(administrator, "uid\nA")
    job = TokenImport.objects.get()
    client = signed_in(person(role))

    answers = [
        client.get(UPLOAD),
        upload(client, "uid\nB"),
        client.get(page_of(job)),
        client.post(page_of(job)),
        client.get(f"{page_of(job)}progress/"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5
    assert "Import tokens" not in client.get(LIST).content.decode()
    assert "Import tokens" in administrator.get(LIST).content.decode()
    assert (Token.objects.count(), TokenImport.objects.count()) == (0, 1)


def test_a_signed_out_user_is_redirected_to_the_login(administrator: Client) -> None:
    upload(administrator, "uid\nA")
    job = TokenImport.objects.get()

    for path in (UPLOAD, page_of(job), f"{page_of(job)}progress/", f"{LIST}export/csv/"):
        assert Client().get(path)["Location"].startswith("/admin/login/")


def test_a_form_of_another_site_imports_nothing(administrator: Client) -> None:
    upload(administrator, "uid\nA")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username=User.Role.ADMINISTRATOR))

    answer = strict.post(page_of(TokenImport.objects.get()))

    assert answer.status_code == 403
    assert not Token.objects.exists()


def test_a_preview_counts_and_changes_nothing(administrator: Client) -> None:
    tokens.create(uid="OLD", name="old")
    tokens.create(uid="SAME", name="same")

    text = upload(administrator, "uid,name\nNEW,new\nOTHER,new\nold,newer\nSAME,same").content.decode()

    assert "The file is valid: 2 new, 1 changed, 1 unchanged." in text
    assert "Import 3 tokens" in text
    assert dict(Token.objects.values_list("uid", "name")) == {"OLD": "old", "SAME": "same"}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_previewed_file_is_imported_once(administrator: Client, kind: str) -> None:
    rows = [["uid", "name"], ["A", "one"], ["B", "two"]]
    content = sheet(*rows) if kind == "xlsx" else "\n".join(",".join(row) for row in rows)
    upload(administrator, content, f"tokens.{kind}")
    preview = TokenImport.objects.get()

    done = administrator.post(page_of(preview), follow=True).content.decode()
    again = administrator.post(page_of(preview), follow=True).content.decode()

    assert "Imported: 2 new, 0 changed, 0 unchanged." in done
    assert "was already imported" in again and "Import 2 tokens" not in again
    assert dict(Token.objects.values_list("uid", "name")) == {"A": "one", "B": "two"}
    assert [job.actor for job in TokenImport.objects.all()] == [User.Role.ADMINISTRATOR] * 2
    assert not TokenUpload.objects.exists()


def test_one_bad_row_is_named_and_imports_nothing(administrator: Client) -> None:
    text = upload(administrator, "uid,status\nGOOD,active\nBAD,sleeping").content.decode()
    job = TokenImport.objects.get()

    answer = administrator.post(page_of(job), follow=True)

    assert "<td>3</td><td>status</td>" in text
    assert "Import 1 token" not in text
    assert "must be complete and without problems" in answer.content.decode()
    assert (Token.objects.count(), TokenUpload.objects.count()) == (0, 0)


def test_problems_are_listed_to_two_hundred_and_the_rest_is_counted(administrator: Client) -> None:
    lines = "\n".join(f"T{number},sleeping" for number in range(230))

    text = upload(administrator, f"uid,status\n{lines}").content.decode()

    assert text.count("<td>status</td>") == 200
    assert "And 30 more." in text


def test_a_file_that_no_longer_fits_imports_nothing(administrator: Client) -> None:
    bob = User.objects.create(username="bob")
    upload(administrator, f"uid,user_id\nA,\nB,{bob.pk}")
    User.objects.filter(pk=bob.pk).update(status=User.Status.CLOSED)

    text = administrator.post(page_of(TokenImport.objects.first()), follow=True).content.decode()

    assert "Nothing was imported" in text
    assert f"User {bob.pk} is closed." in text
    assert not Token.objects.exists()


def test_a_file_that_changes_nothing_has_no_import_button(administrator: Client) -> None:
    tokens.create(uid="A", name="same")

    text = upload(administrator, "uid,name\nA,same").content.decode()

    assert "Nothing to import" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name\nA", "including uid"),
        ("uid\n", "no rows"),
        (b"PK\x03\x04 and nothing more", "XLSX file cannot be read"),
        (b"\xff\xfe\x00", "must be XLSX or UTF-8 text"),
    ],
)
def test_a_file_that_is_no_table_is_reported_at_the_form(
    administrator: Client, content: str | bytes, message: str
) -> None:
    text = upload(administrator, content).content.decode()

    assert message in text
    assert not TokenImport.objects.exists()


def test_a_missing_and_a_too_large_file_are_reported_at_the_form(
    administrator: Client, settings: Any
) -> None:
    settings.HTTP_MAX_UPLOAD = 10

    assert "Choose a file." in administrator.post(UPLOAD).content.decode()
    assert "The file is larger than 10 bytes." in upload(administrator, "uid\n" + "A" * 20).content.decode()


def test_hostile_words_of_a_file_are_shown_as_text(administrator: Client) -> None:
    cell = '"' + HOSTILE.replace('"', '""') + '"'

    pages = [
        upload(administrator, f"uid,status,user_id\nA,{cell},{cell}\n{cell},,", HOSTILE.replace("/", "")),
        upload(administrator, f"uid,{cell}\nA,B"),
        upload(administrator, f"uid,name\nA,{cell}"),
    ]
    imported = administrator.post(page_of(TokenImport.objects.first()), follow=True)

    for page in (*pages, imported, administrator.get(LIST)):
        assert page.status_code == 200
        assert is_harmless(page.content.decode())
    assert Token.objects.get().name == HOSTILE


def test_an_uploaded_file_expires_after_an_hour(administrator: Client) -> None:
    upload(administrator, "uid\nA")
    job = TokenImport.objects.get()
    TokenUpload.objects.update(created_at=timezone.now() - timedelta(minutes=61))

    late = administrator.post(page_of(job), follow=True).content.decode()
    token_uploads.forget_old()

    assert "has expired" in late and "Import 1 token" not in late
    assert not Token.objects.exists() and not TokenUpload.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_long_file_shows_its_progress_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait() -> None:
        for thread in threading.enumerate():
            if thread.name.startswith("token-import-"):
                thread.join(30)

    monkeypatch.setattr(token_import, "AT_ONCE", 10)
    client = signed_in(person(User.Role.ADMINISTRATOR))

    upload(client, "uid\n" + "\n".join(f"T{number}" for number in range(1200)))
    wait()
    preview = TokenImport.objects.get()
    ready = client.get(page_of(preview)).content.decode()
    client.post(page_of(preview))
    wait()
    progress = client.get(f"{page_of(TokenImport.objects.first())}progress/").json()

    assert "Import 1200 tokens" in ready
    assert (progress["state"], progress["done"], progress["rows"]) == ("done", 1200, 1200)
    assert progress["sentence"].startswith("Imported: 1200 new")
    assert Token.objects.count() == 1200


def test_a_running_import_is_a_bar_and_no_button(administrator: Client) -> None:
    job = TokenImport.objects.create(file_name="a.csv", actor="somebody", row_count=9000, done_count=1500)

    text = administrator.get(page_of(job)).content.decode()
    progress = administrator.get(f"{page_of(job)}progress/").json()

    assert 'max="9000" value="1500"' in text and "operator/progress." in text
    assert progress["sentence"] == "1,500 of 9,000 rows checked."
    assert administrator.get(f"{UPLOAD}4711/").status_code == 404
    assert administrator.get(f"{UPLOAD}4711/progress/").status_code == 404


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_every_reader_of_the_list_may_export_it(viewer: Client, kind: str) -> None:
    tokens.create(uid="=1+1", name="Müller")

    answer = viewer.get(f"{LIST}export/{kind}/")

    assert answer["Content-Disposition"] == f'attachment; filename="tokens.{kind}"'
    rows = token_files.read(io.BytesIO(content_of(answer)))
    assert [(values["uid"], values["name"]) for _, values in rows] == [("=1+1", "Müller")]
    assert viewer.get(f"{LIST}export/pdf/").status_code == 404


def test_an_export_has_the_rows_of_the_search_and_the_filters(viewer: Client) -> None:
    for number in range(60):
        tokens.create(uid=f"A{number}", status="blocked" if number % 2 else "active")
    tokens.create(uid="B1", status="blocked")

    page = viewer.get(f"{LIST}?q=A&status__exact=blocked").content.decode()
    answer = viewer.get(f"{LIST}export/csv/?q=A&status__exact=blocked")

    rows = token_files.read(io.BytesIO(content_of(answer)))
    assert {values["uid"] for _, values in rows} == {f"A{number}" for number in range(1, 60, 2)}
    assert "/export/csv/?q=A&amp;status__exact=blocked" in page
    assert viewer.get(f"{LIST}export/csv/?p=x&nonsense=1").status_code == 302
