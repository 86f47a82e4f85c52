"""The first file of a form, whatever parts its bytes arrive in."""

from __future__ import annotations

import pytest

from ocpp_server.bounds import multipart
from ocpp_server.bounds.multipart import FirstFile, MalformedForm, boundary_of

CONTENT = b"\r\n--b \r\n-\r\n--boundar\x00\xff"


def part(headers: str, content: bytes) -> bytes:
    return b"--boundary\r\n" + headers.encode() + b"\r\n\r\n" + content + b"\r\n"


FIELD = part('Content-Disposition: form-data; name="note"', b"hello")
FILE = part(
    'Content-Disposition: form-data; name="file"; filename="a b.log"\r\nContent-Type: text/plain', CONTENT
)
END = b"--boundary--\r\n"


def read(body: bytes, at_once: int) -> tuple[FirstFile, bytes]:
    form = FirstFile(b"boundary")
    parts = [form.feed(body[first : first + at_once]) for first in range(0, len(body), at_once)]
    return form, b"".join(parts)


@pytest.mark.parametrize("at_once", [1, 2, 3, 7, 64, 10_000])
@pytest.mark.parametrize(
    "body",
    [
        FILE + END,
        FIELD + FILE + END,
        FILE + FIELD + END,
        FILE + FILE.replace(b"a b.log", b"other") + END,
        b"a preamble\r\n" + FILE + END + b"an epilogue",
        FILE.replace(b"--boundary\r\n", b"--boundary \t\r\n") + b"--boundary  \r\n" + END,
    ],
    ids=["alone", "after a field", "before a field", "two files", "around it", "white space"],
)
def test_the_content_of_the_first_file_is_found(body: bytes, at_once: int) -> None:
    form, content = read(body, at_once)

    assert (content, form.name, form.is_whole) == (CONTENT, "a b.log", True)


@pytest.mark.parametrize("at_once", [1, 5, 10_000])
def test_an_empty_file_is_whole(at_once: int) -> None:
    form, content = read(FILE.replace(CONTENT, b"") + END, at_once)

    assert (content, form.is_whole) == (b"", True)


@pytest.mark.parametrize("at_once", [1, 10_000])
@pytest.mark.parametrize("body", [FIELD + END, END, b"", b"no form", FILE[:-2], FILE[:60]])
def test_a_form_without_a_whole_file_has_none(body: bytes, at_once: int) -> None:
    assert not read(body, at_once)[0].is_whole


def test_headers_that_do_not_end_are_refused() -> None:
    form = FirstFile(b"boundary")

    with pytest.raises(MalformedForm, match="too long"):
        form.feed(b"--boundary\r\n" + b"x" * (multipart.MAX_HEADERS + 1))


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=boundary", b"boundary"),
        ('Multipart/Form-Data; charset=utf-8; boundary="a b"', b"a b"),
        ("application/octet-stream", None),
        ("multipart/mixed; boundary=x", None),
        ("", None),
    ],
)
def test_the_boundary_is_read_from_the_type(content_type: str, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize("given", ["", "; boundary=", f"; boundary={'x' * 71}", '; boundary="x "'])
def test_a_form_without_a_valid_boundary_is_refused(given: str) -> None:
    with pytest.raises(MalformedForm, match="boundary"):
        boundary_of(f"multipart/form-data{given}")
