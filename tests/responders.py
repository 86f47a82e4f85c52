"""An OCSP responder over real HTTP, which answers well or in any wrong way that a test chooses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from ocpp_server.pki import hash_data
from tests.unit.pki.made import Made

GOOD, REVOKED, UNKNOWN = (
    ocsp.OCSPCertStatus.GOOD,
    ocsp.OCSPCertStatus.REVOKED,
    ocsp.OCSPCertStatus.UNKNOWN,
)


class Answer(NamedTuple):
    """The answer of an HTTP server."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


class Server:
    """An HTTP server in a thread. `requests` are the bodies of the requests, with their paths."""

    def __init__(self, answer: Callable[[str, bytes], Answer]) -> None:
        self.answer = answer
        self.requests: list[tuple[str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.requests.append((self.path, body))
                outer.headers.append(dict(self.headers))
                answer = outer.answer(self.path, body)
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST  # noqa: N815 - the name that http.server looks for

            def log_message(self, *_: Any) -> None:
                """No line for each request."""

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """The client may go away before the answer."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self.host = f"127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; a second call does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


@contextmanager
def serving(answer: Callable[[str, bytes], Answer]) -> Iterator[Server]:
    server = Server(answer)
    try:
        yield server
    finally:
        server.close()


class Statuses:
    """What a responder says, by serial number; `by` signs, in the name of the issuer or as its delegate."""

    def __init__(self, *, by: Made, default: ocsp.OCSPCertStatus = GOOD) -> None:
        self.by = by
        self.default = default
        self.known: dict[int, ocsp.OCSPCertStatus] = {}
        # The certificates that the response brings along.
        self.certificates: list[x509.Certificate] = [by.certificate]
        self.days: tuple[float, float] = (-0.1, 1)
        self.padding = 0
        self.is_about_another = False

    def __call__(self, path: str, body: bytes) -> Answer:
        return Answer(self.response(body))

    def revoke(self, certificate: x509.Certificate) -> None:
        self.known[certificate.serial_number] = REVOKED

    def response(self, body: bytes) -> bytes:
        asked, now = ocsp.load_der_ocsp_request(body), datetime.now(UTC)
        status = self.known.get(asked.serial_number, self.default)
        is_revoked = status is REVOKED
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            asked.issuer_name_hash,
            asked.issuer_key_hash,
            asked.serial_number + self.is_about_another,
            asked.hash_algorithm,
            status,
            now + timedelta(days=self.days[0]),
            now + timedelta(days=self.days[1]),
            now - timedelta(hours=5) if is_revoked else None,
            x509.ReasonFlags.key_compromise if is_revoked else None,
        )
        if self.padding:
            oid = x509.ObjectIdentifier("1.2.3.4")
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, b"x" * self.padding), False)
        if self.certificates:
            builder = builder.certificates(self.certificates)
        signed = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.by.certificate)
        return signed.sign(self.by.key, hashes.SHA256()).public_bytes(Encoding.DER)


class StatusesOfMany(Statuses):
    """A responder of several CAs: each response is signed by the issuer of its certificate."""

    def __init__(self, *issuers: Made) -> None:
        super().__init__(by=issuers[0])
        self.issuers = {
            bytes.fromhex(hash_data.of_issuer(one.certificate, "SHA256")[1]): one for one in issuers
        }

    def response(self, body: bytes) -> bytes:
        self.by = self.issuers[ocsp.load_der_ocsp_request(body).issuer_key_hash]
        self.certificates = [self.by.certificate]
        return super().response(body)
