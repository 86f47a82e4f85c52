"""The application that gets a streamed body, among several of them."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_server.bounds import streams


@pytest.fixture(autouse=True)
def _own_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_applications", {})
    streams.register("/files/", first)
    streams.register("/more/", second)


async def first(scope: Any, receive: Any, send: Any) -> None: ...


async def second(scope: Any, receive: Any, send: Any) -> None: ...


@pytest.mark.parametrize(
    ("path", "found"),
    [("/files/", first), ("/more/7", second), ("/more", None), ("/mor", None), ("", None), ("/", None)],
)
def test_each_prefix_has_its_application(path: str, found: Any) -> None:
    assert streams.application_of({"path": path}) is found


def test_the_path_of_the_server_in_front_is_cut_off_once_and_at_the_front_alone() -> None:
    assert streams.path_of({"path": "/csms/csms/x", "root_path": "/csms"}) == "/csms/x"
    assert streams.path_of({"path": "/x/csms", "root_path": "/csms"}) == "/x/csms"
    assert streams.path_of({"path": "/x"}) == "/x"
