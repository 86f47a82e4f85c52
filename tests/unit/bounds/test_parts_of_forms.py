"""The bounds of a form and the parts of it that are no file (RFC 7578, RFC 2046 5.1.1)."""

from __future__ import annotations

import re

import pytest

from ocpp_server.bounds import multipart
from ocpp_server.bounds.multipart import FirstFile, MalformedForm, boundary_of

FILE = b'Content-Disposition: form-data; name="file"; filename="log"'


def begun(headers: bytes) -> FirstFile:
    form = FirstFile(b"b")
    assert form.feed(b"--b\r\n" + headers + b"\r\n\r\n") == b""
    return form


def test_headers_may_have_8_kib() -> None:
    assert multipart.MAX_HEADERS == 8192
    # The line break after the delimiter counts.
    allowed = b"X: " + b"x" * (8192 - 5)

    assert begun(allowed).name == ""
    for at_once in (b"\r\n\r\n", b""):
        with pytest.raises(MalformedForm, match=r"^The headers of a part of the form are too long\.$"):
            FirstFile(b"b").feed(b"--b\r\n" + allowed + b"x" + at_once)


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (FILE, "log"),
        (FILE.upper().replace(b"LOG", b"log"), "log"),
        (b"content-disposition :  form-data; filename=log", "log"),
        (b"X-Content-Disposition: form-data; filename=no\r\n" + FILE, "log"),
        (b"Content-Disposition form-data; filename=no\r\n" + FILE, "log"),
        (b"Content-Type: text/plain\r\n" + FILE, "log"),
        (FILE.replace(b"log", b"b\xc3\xbccher"), "b\u00fccher"),
        (FILE.replace(b"log", b"\xff"), "\ufffd"),
        (b"Content-Disposition: form-data; name=note", None),
        (b"Content-Disposition: form-data; name=note\r\n" + FILE, None),
        (b"Content-Type: text/plain; filename=no", None),
        (b"", None),
    ],
)
def test_a_part_is_a_file_if_it_has_a_file_name(headers: bytes, name: str | None) -> None:
    form = begun(headers)

    content = form.feed(b"content\r\n--b--")

    assert (form.name, content) == ((name, b"content") if name else ("", b""))
    assert form.is_whole is (name is not None)


def test_content_is_passed_on_as_soon_as_it_can_be_no_delimiter() -> None:
    form = begun(FILE)

    # A delimiter has 5 bytes here, so 4 may be the beginning of one.
    assert form.feed(b"0123456789") == b"012345"
    assert form.feed(b"x") == b"6"
    assert form.feed(b"\r\n--") == b"789x"
    assert form.feed(b"b") == b""
    assert not form.is_whole
    assert form.feed(b"-") == b""
    assert not form.is_whole
    assert form.feed(b"-") == b""
    assert form.is_whole


def test_what_precedes_a_delimiter_is_passed_on_with_it() -> None:
    form = begun(FILE)

    assert form.feed(b"0123456789\r\n--b") == b"0123456789"
    assert form.feed(b"\r") == b""
    assert form.feed(b"\n") == b""
    assert form.is_whole


def test_nothing_is_read_after_the_end() -> None:
    whole, over = begun(FILE), FirstFile(b"b")
    whole.feed(b"x\r\n--b--")
    over.feed(b"--b--\r\n")

    for form in (whole, over):
        assert form.feed(b"\r\n--b\r\n" + FILE + b"\r\n\r\nmore\r\n--b--") == b""
        assert form.feed(b"x" * 100) == b""
        assert len(form._buffer) < 50
    assert (whole.is_whole, over.is_whole, over.name) == (True, False, "")


def test_the_name_of_a_field_is_not_the_one_of_the_file() -> None:
    form = begun(b"Content-Disposition: form-data; name=note")
    form.feed(b"hello\r\n--b\r\n" + FILE + b"\r\n\r\ncon")

    assert (form.name, form.is_whole) == ("log", False)


@pytest.mark.parametrize("boundary", ["x", "x" * 70, "0'()+_,-./:=?z", "a b"])
def test_a_boundary_has_the_characters_and_the_length_of_the_rfc(boundary: str) -> None:
    assert boundary_of(f'multipart/form-data; boundary="{boundary}"') == boundary.encode()


@pytest.mark.parametrize("boundary", ["", "x" * 71, "a*b", "a;b", "a ", "\u00fc"])
def test_another_boundary_is_refused_with_a_sentence(boundary: str) -> None:
    with pytest.raises(MalformedForm, match=re.escape("The form has no valid boundary.")):
        boundary_of(f'multipart/form-data; boundary="{boundary}"')


def test_an_encoded_boundary_is_refused() -> None:
    with pytest.raises(MalformedForm, match="no valid boundary"):
        boundary_of("multipart/form-data; boundary*=utf-8''abc")
