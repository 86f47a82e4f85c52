"""ETags: equal data have equal tags, and the comparisons of RFC 9110 section 13.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from ocpp_server.api import etags
from ocpp_server.domain import Outdated

TAG = etags.tag({"a": 1})


def asking(method: str = "get", **headers: str) -> Request:
    return Request(getattr(APIRequestFactory(), method)("/", headers=headers))


def test_the_tag_depends_on_the_data_and_not_on_their_order() -> None:
    assert etags.tag({"a": 1, "b": 2}) == etags.tag({"b": 2, "a": 1}) != etags.tag({"a": 1, "b": 3})
    assert (TAG[0], TAG[-1], len(TAG)) == ('"', '"', 34)


def test_an_answer_has_the_tag_of_its_data() -> None:
    response = etags.tagged("Created.", {"a": 1}, status=201)

    assert (response.status_code, response["ETag"]) == (201, TAG)
    assert (response.data["message"], response.data["data"]) == ("Created.", {"a": 1})
    assert etags.tagged("Found.", {}).status_code == 200


@pytest.mark.parametrize(
    ("wanted", "is_known"),
    [
        (TAG, True),
        (f"W/{TAG}", True),
        (f'"other", {TAG}', True),
        (f' {TAG} ,"other"', True),
        (" * ", True),
        ('"other"', False),
        ("", False),
    ],
)
def test_if_none_match_compares_weakly(wanted: str, is_known: bool) -> None:
    response = etags.tagged("", {"a": 1})

    assert etags.is_known(asking(**{"If-None-Match": wanted}), response) is is_known


def test_only_a_successful_read_with_a_tag_can_be_known() -> None:
    found = etags.tagged("", {"a": 1})
    asked = {"If-None-Match": "*"}

    assert etags.is_known(asking("head", **asked), found)
    assert not etags.is_known(asking("post", **asked), found)
    assert not etags.is_known(asking(**asked), etags.tagged("", {"a": 1}, status=202))
    assert not etags.is_known(asking(**asked), Response())
    assert not etags.is_known(asking(), found)


def test_the_answer_to_a_known_state_has_no_body_and_the_same_tag() -> None:
    response = etags.unchanged(etags.tagged("", {"a": 1}))

    assert (response.status_code, response.data, response["ETag"]) == (304, None, TAG)


def find(name: str, *, lock: bool) -> dict[str, Any]:
    assert lock
    assert connection.in_atomic_block
    return {"name": name}


def shown(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return row


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "wanted", [None, "*", " * ", etags.tag({"name": "a"}), f'"x", {etags.tag({"name": "a"})}']
)
def test_a_row_is_changed_while_it_is_locked(wanted: str | None) -> None:
    request = asking("patch", **({} if wanted is None else {"If-Match": wanted}))

    with etags.guarded(request, shown, find, "a") as row:
        assert row == {"name": "a"}
        assert connection.in_atomic_block


@pytest.mark.django_db
@pytest.mark.parametrize("wanted", ['"x"', f"W/{etags.tag({'name': 'a'})}", "", etags.tag({"name": "b"})])
def test_a_change_of_another_state_is_refused(wanted: str) -> None:
    with pytest.raises(Outdated), etags.guarded(asking("patch", **{"If-Match": wanted}), shown, find, "a"):
        pytest.fail("the change was let through")
