"""Mail servers for the tests: real SMTP on a free port, with TLS, STARTTLS and logins as asked for."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session


class MailServer:
    """The mails that have arrived, in their order. `answers` are replies to the next ones, before 250."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.answers: list[str] = []
        self.sessions = 0
        self.logins: list[tuple[str, str]] = []
        self.encrypted: list[bool] = []
        self._arrived = threading.Condition()
        self.port = 0

    async def handle_EHLO(
        self, server: Any, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.sessions += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("unknown@"):
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, _class=EmailMessage, policy=policy.default)
        with self._arrived:
            self.mails.append(mail)
            self.recipients.append(list(envelope.rcpt_tos))
            self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
            self._arrived.notify_all()
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        login = data.login.decode(), data.password.decode()
        self.logins.append(login)
        return AuthResult(success=login[1] == "p@ss", handled=False)

    def wait(self, count: int, *, seconds: float = 10) -> list[EmailMessage]:
        """The first `count` mails, as soon as they are here. Raises AssertionError."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while len(self.mails) < count:
                left = deadline - time.monotonic()
                assert left > 0, f"{len(self.mails)} of {count} mails have arrived"
                self._arrived.wait(left)
            return self.mails[:count]


class _AnyPort(Controller):
    """A controller whose port the system chooses; the original connects to port 0 in the end."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def serving(
    *, certificate: tuple[Path, Path] | None = None, starttls: bool = False, login: bool = False
) -> Iterator[MailServer]:
    """A mail server on localhost: plain, or with a certificate TLS, or STARTTLS and nothing before it."""
    server, context = MailServer(), None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    options: dict[str, Any] = {}
    if login:
        # aiosmtpd counts STARTTLS alone as TLS. It warns of logins that are required without it.
        options |= {"authenticator": server.authenticate, "auth_require_tls": starttls}
    if starttls:
        options |= {"tls_context": context, "require_starttls": True}
    controller = _AnyPort(
        server, hostname="127.0.0.1", port=0, ssl_context=None if starttls else context, **options
    )
    controller.start()
    try:
        server.port = controller.port
        yield server
    finally:
        controller.stop()
