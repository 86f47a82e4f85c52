"""The context of a TLS server: its certificates are renewed, and invalid ones are refused."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from ocpp_server.environment.env import SettingError
from ocpp_server.process import tls
from tests.self_signed import certify, unverified


def test_the_certificate_is_renewed_without_a_restart_and_a_broken_one_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tls, "CHECK_EVERY_S", 0.0)
    pem, key = certify(tmp_path, "live")
    context = tls.server_context([tls.Pair(pem, key), tls.Pair(*certify(tmp_path, "other", curve=False))])
    first = shown_by(context)
    pem.write_text("no certificate any more")

    assert shown_by(context) == first

    for old, new in zip((pem, key), certify(tmp_path, "renewed"), strict=True):
        new.replace(old)

    second = shown_by(context)
    assert second != first
    assert shown_by(context, name=None) == second


def shown_by(context: ssl.SSLContext, name: str | None = "localhost") -> bytes:
    """The certificate of a handshake in memory, with a server name or without."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = unverified().wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(6):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client.getpeercert(binary_form=True) or b""


@pytest.mark.parametrize("kind", ["first", "second"])
@pytest.mark.parametrize("broken", ["missing", "text", "other key", "key alone", "same kind"])
def test_an_invalid_certificate_stops_the_start_with_a_sentence(tmp_path: Path, kind: str, broken: str):
    certificate, key = ("TLS_CERT", "TLS_KEY") if kind == "first" else ("TLS_SECOND_CERT", "TLS_SECOND_KEY")
    first, second = certify(tmp_path, "curve"), certify(tmp_path, "rsa", curve=False)
    settings: dict[str, Path | None] = {
        "TLS_CERT": first[0],
        "TLS_KEY": first[1],
        "TLS_SECOND_CERT": second[0],
        "TLS_SECOND_KEY": second[1],
    }
    named = certificate
    match broken:
        case "missing":
            settings[certificate] = tmp_path / "none.pem"
        case "text":
            (first if kind == "first" else second)[0].write_text("hello")
        case "other key":
            settings[key] = certify(tmp_path, "other")[1]
        case "key alone":
            settings[certificate], named = None, key
        case "same kind":
            settings[certificate], settings[key] = second if kind == "first" else first
            named = "TLS_SECOND_CERT"

    with pytest.raises(SettingError) as error:
        tls.uvicorn_options(settings)

    assert str(error.value).startswith(f"{named}: ")
    assert os.linesep not in str(error.value)


def test_the_second_certificate_can_not_be_the_only_one(tmp_path: Path):
    pem, key = certify(tmp_path, "good")
    settings = {"TLS_CERT": None, "TLS_KEY": None, "TLS_SECOND_CERT": pem, "TLS_SECOND_KEY": key}

    with pytest.raises(SettingError, match=r"^TLS_SECOND_CERT: there is no TLS_CERT"):
        tls.uvicorn_options(settings)
