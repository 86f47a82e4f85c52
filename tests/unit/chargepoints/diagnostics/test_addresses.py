"""The addresses of uploads: what is secret in them, and what a station's path may hold."""

from __future__ import annotations

from typing import Any

import pytest

from chargepoints.services.diagnostics import addresses
from chargepoints.services.diagnostics.addresses import Secrets, Target
from ocpp_server.domain import Conflict

KEY = "k" * 32


@pytest.fixture(autouse=True)
def _no_address(settings: Any) -> None:
    settings.UPLOAD_URL, settings.PUBLIC_URL, settings.TLS_CERT = "", "", None
    settings.LISTEN_ADDRESS, settings.HTTP_PORT = ("192.0.2.7",), 8081


@pytest.mark.parametrize(
    ("upload_url", "public_url", "base"),
    [
        ("http://10.0.0.1:8081", "https://csms.example.com", "http://10.0.0.1:8081"),
        ("", "https://csms.example.com", "https://csms.example.com"),
        ("", "", "http://192.0.2.7:8081"),
    ],
)
def test_the_address_is_the_one_that_stations_reach(
    settings: Any, upload_url: str, public_url: str, base: str
) -> None:
    settings.UPLOAD_URL, settings.PUBLIC_URL = upload_url, public_url

    assert addresses.address(7, Secrets(KEY)) == f"{base}/uploads/7/{KEY}/"
    login = addresses.address(7, Secrets(KEY, "p"))
    assert login == f"{base}/uploads/7/{KEY}/".replace("://", "://station:p@")


def test_one_of_several_processes_does_not_guess_its_address(settings: Any) -> None:
    settings.OCPP_ROLE = "web"

    with pytest.raises(Conflict, match="UPLOAD_URL"):
        addresses.address(7, Secrets(KEY))


def test_new_secrets_fit_into_an_address_and_differ() -> None:
    made = [addresses.new_secrets(with_login=True) for _ in range(20)]

    assert len({secret for pair in made for secret in pair}) == 40
    assert all(addresses.target(f"/uploads/1/{one.key}/") for one in made)
    assert addresses.new_secrets(with_login=False).login == ""


@pytest.mark.parametrize(
    ("path", "target"),
    [
        (f"/uploads/7/{KEY}", Target(7, KEY, "")),
        (f"/uploads/7/{KEY}/", Target(7, KEY, "")),
        (f"/uploads/7/{KEY}/log.zip", Target(7, KEY, "log.zip")),
        (f"/uploads/7/{KEY}//log.zip", Target(7, KEY, "log.zip")),
        (f"/uploads/7/{KEY}/../../etc/passwd", Target(7, KEY, "passwd")),
        (f"/uploads/7/{KEY}/..\\..\\boot.ini", Target(7, KEY, "boot.ini")),
        (f"/uploads/7/{KEY}/a\x00\nb\u202e", Target(7, KEY, "ab")),
        (f"/uploads/7/{KEY}/{'x' * 300}", Target(7, KEY, "x" * 255)),
        ("/uploads/7/short/", None),
        (f"/uploads/seven/{KEY}/", None),
        (f"/uploads/{'9' * 30}/{KEY}/", None),
        (f"/uploads//{KEY}/", None),
        (f"/x/uploads/7/{KEY}/", None),
    ],
)
def test_a_path_names_a_number_a_secret_and_a_file_name(path: str, target: Target | None) -> None:
    assert addresses.target(path) == target


def test_a_secret_matches_its_digest_alone() -> None:
    stored = addresses.digest(KEY)

    assert KEY not in stored
    assert addresses.matches(KEY, stored)
    assert not addresses.matches("x", stored)
    assert not addresses.matches("", "")
    assert addresses.digest("") == ""
