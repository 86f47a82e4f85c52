"""A deprecated operation: its headers, its place in the OpenAPI document, and the notice it needs."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from ocpp_server.api.deprecation import Deprecation
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.fields import ReadSerializer
from ocpp_server.api.operations import Get, List
from ocpp_server.api.views import ApiView
from tests.unit.api.test_declared import PlaceQuery
from tests.unit.api.test_declared import described as declared

OLD = Deprecation(since=date(2027, 1, 1), sunset=date(2028, 2, 1), instead="GET /api/v1/sites")
HEADERS = {
    "Deprecation": "@1798761600",
    "Sunset": "Tue, 01 Feb 2028 00:00:00 GMT",
    "Link": '</api/docs/>; rel="deprecation"; type="text/html"',
}


class PlaceSerializer(ReadSerializer):
    pass


class PlaceView(ApiView):
    """A view without authentication, whose GET is deprecated."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    @described("Get a place", enveloped("OldPlace", PlaceSerializer), tag="Places", deprecated=OLD)
    def get(self, request: Request) -> Response:
        return answer("A place.", status=int(request.GET.get("status", 200)))

    def head(self, request: Request) -> Response:
        return answer("A place.")


def asked(path: str = "/", method: str = "get") -> Any:
    return PlaceView.as_view()(getattr(APIRequestFactory(), method)(path))


def test_the_headers_of_rfc_9745_and_rfc_8594() -> None:
    assert OLD.headers() == HEADERS


@pytest.mark.parametrize("status", [200, 404])
def test_each_answer_of_a_deprecated_operation_has_the_headers(status: int) -> None:
    response = asked(f"/?status={status}")

    assert {name: response[name] for name in HEADERS} == HEADERS


def test_another_operation_of_the_same_view_has_none() -> None:
    assert not set(HEADERS) & set(asked(method="head").headers)
    assert not set(HEADERS) & set(asked(method="put").headers)


def test_the_document_shows_that_an_operation_is_deprecated() -> None:
    _, one = declared(Get(deprecated=OLD, description="Of today."))

    assert one["deprecated"] is True
    assert one["description"].startswith(f"{OLD.sentence}\n\nOf today.")
    assert "use `GET /api/v1/sites`" in OLD.sentence
    assert {"Deprecation", "Sunset"} <= set(one["responses"]["200"]["headers"])


def test_the_document_shows_nothing_for_other_operations() -> None:
    _, one = declared(List(PlaceQuery))

    assert "deprecated" not in one
    assert not {"Deprecation", "Sunset"} & set(one["responses"]["200"]["headers"])


@pytest.mark.parametrize(
    ("sunset", "instead", "reason"),
    [
        (date(2027, 12, 31), "GET /api/v1/sites", "less than 365 days after 2027-01-01"),
        (date(2028, 1, 1), "", "names the one to use instead"),
    ],
)
def test_a_notice_that_is_too_short_or_leads_nowhere_is_refused(
    sunset: date, instead: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        Deprecation(since=date(2027, 1, 1), sunset=sunset, instead=instead)
