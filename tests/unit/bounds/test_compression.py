"""Answers are compressed for clients that want it, unless that would break a promise or tell a secret."""

from __future__ import annotations

import gzip

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory

from ocpp_server.bounds.compression import LEAST_BYTES, Compression, accepts_gzip

TEXT = b"A page with the same words again and again. " * 100
HTML = "text/html; charset=utf-8"


def answered(response: HttpResponseBase, request: HttpRequest | None = None) -> HttpResponseBase:
    request = request or RequestFactory().get("/admin/", HTTP_ACCEPT_ENCODING="gzip, deflate, br")
    return Compression(lambda _: response)(request)


def page_with_token() -> HttpResponse:
    response = HttpResponse(TEXT, content_type=HTML)
    response.set_cookie("csrftoken", "secret")
    return response


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5, br", True),
        ("*", True),
        ("x-gzip", True),
        ("gzip;q=0", False),
        ("*, gzip; q=0.000", False),
        ("gzip;q=0.0000", True),
        ("gzip;q= 0 ", False),
        ("gzip;q=0.001", True),
        ("gzip;x=0", True),
        ("gzip ;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip, *;q=0", True),
        ("gzip;q=0, x-gzip", False),
        ("x-gzip, *;q=0", True),
        ("x-gzip;q=0, *", False),
        ("identity, br", False),
        ("", False),
    ],
)
def test_the_client_decides_whether_gzip_is_used(header: str, expected: bool) -> None:
    assert accepts_gzip(header) is expected


@pytest.mark.parametrize(
    "kind", [HTML, "application/json", "application/vnd.oai.openapi+json", "text/plain; version=0.0.4"]
)
def test_a_large_text_is_compressed(kind: str) -> None:
    response = answered(HttpResponse(TEXT, content_type=kind))

    assert isinstance(response, HttpResponse)
    assert gzip.decompress(response.content) == TEXT
    assert response["Content-Encoding"] == "gzip"
    assert int(response["Content-Length"]) == len(response.content) < len(TEXT) / 5
    assert response["Vary"] == "Accept-Encoding"


def test_a_client_without_gzip_gets_the_text_and_caches_learn_that_there_are_two_forms() -> None:
    request = RequestFactory().get("/admin/")

    response = answered(HttpResponse(TEXT, content_type=HTML), request)

    assert isinstance(response, HttpResponse)
    assert (response.content, response["Vary"]) == (TEXT, "Accept-Encoding")
    assert "Content-Encoding" not in response


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse(b"x" * (LEAST_BYTES - 1), content_type=HTML),
        HttpResponse(TEXT, content_type="font/woff2"),
        HttpResponse(TEXT, content_type="text/event-stream"),
        HttpResponse(TEXT, content_type=HTML, status=404),
        HttpResponse(TEXT, content_type=HTML, status=201),
        HttpResponse(TEXT, headers={"Content-Type": ""}),
        HttpResponse(TEXT, content_type="application/json", headers={"ETag": '"1"'}),
        HttpResponse(TEXT, content_type=HTML, headers={"Content-Encoding": "br"}),
        StreamingHttpResponse([TEXT], content_type="text/csv"),
    ],
    ids=[
        "small",
        "font",
        "events",
        "error",
        "created",
        "without a type",
        "with a strong ETag",
        "encoded already",
        "stream",
    ],
)
def test_other_answers_stay_as_they_are(response: HttpResponseBase) -> None:
    before = dict(response.headers)

    assert answered(response) is response
    assert dict(response.headers) == before


@pytest.mark.parametrize(("size", "is_compressed"), [(1023, False), (1024, True)])
def test_a_text_is_compressed_from_one_kib(size: int, is_compressed: bool) -> None:
    response = answered(HttpResponse(b"x" * size, content_type=HTML))

    assert response.has_header("Content-Encoding") is is_compressed


def test_equal_pages_have_sizes_that_differ() -> None:
    """The size of a page does not show whether a guess is in it."""
    sizes = {answered(HttpResponse(TEXT, content_type=HTML))["Content-Length"] for _ in range(30)}

    assert len(sizes) > 1


@pytest.mark.parametrize(
    ("method", "path", "is_compressed"),
    [
        ("get", "/admin/", True),
        ("head", "/admin/", True),
        ("get", "/admin/?q=guess", False),
        ("post", "/admin/", False),
    ],
)
def test_a_page_with_a_csrf_token_is_compressed_only_if_the_request_brought_nothing(
    method: str, path: str, is_compressed: bool
) -> None:
    request = getattr(RequestFactory(), method)(path, HTTP_ACCEPT_ENCODING="gzip")

    assert answered(page_with_token(), request).has_header("Content-Encoding") is is_compressed


def test_a_page_without_a_csrf_token_may_show_its_query() -> None:
    request = RequestFactory().get("/api/v1/transactions?search=x", HTTP_ACCEPT_ENCODING="gzip")

    assert answered(HttpResponse(TEXT, content_type="application/json"), request).has_header(
        "Content-Encoding"
    )


def test_a_page_that_could_show_messages_and_has_none_is_compressed() -> None:
    request = RequestFactory().get("/admin/", HTTP_ACCEPT_ENCODING="gzip")
    request._messages = []  # type: ignore[attr-defined]

    assert answered(page_with_token(), request).has_header("Content-Encoding")


def test_a_page_that_shows_a_message_of_an_earlier_request_is_not_compressed() -> None:
    request = RequestFactory().get("/admin/", HTTP_ACCEPT_ENCODING="gzip")
    request._messages = ["The station GUESS does not exist."]  # type: ignore[attr-defined]

    assert not answered(page_with_token(), request).has_header("Content-Encoding")
