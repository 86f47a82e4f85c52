"""Mails by a real mail server: TLS, STARTTLS, logins, refusals."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from ocpp_server.environment import env
from ocpp_server.environment.email import email_url
from ocpp_server.outbound import mail
from ocpp_server.outbound.mail import Mail, Outcome
from tests import mail_servers, self_signed

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed.certify(tmp_path_factory.mktemp("mail"), "mail")


def use(settings: Any, url: str) -> None:
    """The settings that the server would have with this EMAIL_URL."""
    parts = email_url(url)
    settings.EMAIL_BACKEND, settings.EMAIL_URL = SMTP, parts
    settings.EMAIL_HOST, settings.EMAIL_PORT = parts["host"], parts["port"]
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = parts["user"], parts["password"]
    settings.EMAIL_USE_SSL, settings.EMAIL_USE_TLS = parts["use_ssl"], parts["use_tls"]
    settings.DEFAULT_FROM_EMAIL = "CSMS <csms@example.com>"


def to(address: str, **fields: Any) -> Mail:
    return Mail(**{"to": address, "subject": "Hello", "text": "A text.\n", **fields})


def test_a_mail_has_both_forms_and_its_headers(settings: Any) -> None:
    with mail_servers.serving() as server:
        use(settings, f"smtp+plain://localhost:{server.port}")
        found = mail.send([to("ann@example.com", html="<p>A text.</p>", headers={"Message-ID": "<1@here>"})])

    (arrived,) = server.mails
    assert found == [mail.SENT]
    assert server.recipients == [["ann@example.com"]]
    assert arrived["Subject"] == "Hello"
    assert arrived["From"] == "CSMS <csms@example.com>"
    assert arrived["Message-ID"] == "<1@here>"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived.get_body(("plain",)).get_content().strip() == "A text."
    assert arrived.get_body(("html",)).get_content().strip() == "<p>A text.</p>"


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
def test_mails_go_encrypted_and_with_a_login(
    scheme: str, settings: Any, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with mail_servers.serving(certificate=certificate, starttls=scheme == "smtp", login=True) as server:
        use(settings, f"{scheme}://ann:p%40ss@localhost:{server.port}")
        found = mail.send([to("ann@example.com"), to("bob@example.com")])

    assert found == [mail.SENT, mail.SENT]
    assert server.encrypted == [True, True]
    assert server.logins == [("ann", "p@ss")]


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
def test_a_certificate_of_someone_else_is_refused(
    scheme: str, settings: Any, certificate: tuple[Path, Path]
) -> None:
    with mail_servers.serving(certificate=certificate, starttls=scheme == "smtp") as server:
        use(settings, f"{scheme}://localhost:{server.port}")
        found = mail.send([to("ann@example.com")])

    assert found[0].outcome is Outcome.RETRY
    assert "certificate verify failed" in found[0].reason
    assert server.mails == []


def test_nothing_is_sent_in_the_clear_where_the_server_has_no_starttls(settings: Any) -> None:
    with mail_servers.serving() as server:
        use(settings, f"smtp://ann:p%40ss@localhost:{server.port}")
        found = mail.send([to("ann@example.com")])

    assert found[0].outcome is Outcome.RETRY
    assert server.mails == []
    assert server.logins == []


def test_a_wrong_password_is_tried_again_and_not_repeated_in_the_reason(
    settings: Any, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with mail_servers.serving(certificate=certificate, login=True) as server:
        use(settings, f"smtps://ann:hunter22@localhost:{server.port}")
        found = mail.send([to("ann@example.com"), to("bob@example.com")])

    assert [one.outcome for one in found] == [Outcome.RETRY, Outcome.RETRY]
    assert found[0].reason.startswith("535 ")
    assert "hunter22" not in found[0].reason


def test_a_refused_mail_does_not_stop_the_others(settings: Any) -> None:
    with mail_servers.serving() as server:
        server.answers = ["451 4.7.1 Greylisted", "552 5.3.4 Too large"]
        use(settings, f"smtp+plain://localhost:{server.port}")
        addresses = ["ann@example.com", "bob@example.com", "unknown@example.com", "cid@example.com"]
        found = mail.send([to(address) for address in addresses])

    assert found == [
        (Outcome.RETRY, "451 4.7.1 Greylisted"),
        (Outcome.FAILED, "552 5.3.4 Too large"),
        (Outcome.FAILED, "550 5.1.1 No such mailbox"),
        mail.SENT,
    ]
    assert server.recipients == [["cid@example.com"]]


def test_without_a_server_all_are_tried_again(settings: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        use(settings, f"smtp+plain://127.0.0.1:{unused.getsockname()[1]}")
        found = mail.send([to("ann@example.com"), to("bob@example.com")])

    assert [one.outcome for one in found] == [Outcome.RETRY, Outcome.RETRY]
    assert "refused" in found[0].reason


def test_a_text_from_a_station_adds_no_header(settings: Any) -> None:
    with mail_servers.serving() as server:
        use(settings, f"smtp+plain://localhost:{server.port}")
        mail.send([to("ann@example.com", subject="Fault\r\nBcc: eve@example.com")])

    (arrived,) = server.mails
    assert arrived["Subject"] == "Fault Bcc: eve@example.com"
    assert arrived["Bcc"] is None


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "http://mail.example.com",
        "smtps://",
        "smtps://hunter2@mail.example.com",
        "smtps://ann:hunter2@mail.example.com:port",
        "smtps://ann:hunter2@mail.example.com/path",
        "smtp+plain://ann:hunter2@mail.example.com",
    ],
)
def test_a_wrong_address_of_a_mail_server_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(env.SettingError) as caught:
        env.read({"EMAIL_URL": url})

    assert str(caught.value).startswith("EMAIL_URL: ")
    assert "hunter2" not in str(caught.value)


def test_the_sender_is_the_user_of_the_server_unless_it_is_set() -> None:
    url = "smtps://csms%40example.com:secret@mail.example.com"

    assert env.read({"EMAIL_URL": url})["EMAIL_FROM"] == "csms@example.com"
    assert (
        env.read({"EMAIL_URL": url, "EMAIL_FROM": "A <a@example.com>"})["EMAIL_FROM"] == "A <a@example.com>"
    )
    assert env.read({})["EMAIL_FROM"] == ""
    with pytest.raises(env.SettingError):
        env.read({"EMAIL_FROM": "nowhere"})
