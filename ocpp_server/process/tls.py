"""TLS termination by this server itself, without a proxy: TLS_CERT and TLS_KEY, and a second pair with the
other kind of key (TLS_SECOND_CERT, TLS_SECOND_KEY).

With an RSA and an ECDSA certificate every cipher suite that A00.FR.318 requires of a CSMS can be used:
OpenSSL presents the certificate that suits the suite of the handshake.

A renewed certificate needs no restart: the next handshake after a change of the files loads them. An unusable
certificate is logged, and the last good ones stay in use.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from ocpp_server.environment.env import SettingError

# The four cipher suites that 2.0.1 A00.FR.318 requires of a CSMS (TC_A_04), and the ones that newer stations
# prefer. Python's own list lacks the two with RSA key exchange. No CBC and no SHA-1; TLS 1.3 has its own
# suites.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:AES128-GCM-SHA256:AES256-GCM-SHA384"
# The files are checked at most this often.
CHECK_EVERY_S = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, with the names of their settings. Without `key`, the file of the certificate
    must contain the key.
    """

    certificate: Path
    key: Path | None
    certificate_name: str = "TLS_CERT"
    key_name: str = "TLS_KEY"

    def __str__(self) -> str:
        return " with ".join(map(str, self.files))

    @property
    def files(self) -> list[Path]:
        return [self.certificate, *([self.key] if self.key else [])]


def pairs(settings: Mapping[str, Any]) -> list[Pair]:
    """The pairs of the settings: none, one or two. Raises SettingError for an incomplete one."""
    found: list[Pair] = []
    for certificate_name, key_name in (("TLS_CERT", "TLS_KEY"), ("TLS_SECOND_CERT", "TLS_SECOND_KEY")):
        certificate, key = settings[certificate_name], settings[key_name]
        if certificate is not None:
            found.append(Pair(certificate, key, certificate_name, key_name))
        elif key is not None:
            raise SettingError(key_name, f"there is no {certificate_name} to go with it")
    if settings["TLS_SECOND_CERT"] is not None and settings["TLS_CERT"] is None:
        raise SettingError("TLS_SECOND_CERT", "there is no TLS_CERT; the first certificate belongs there")
    return found


def uvicorn_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `uvicorn.Config` for TLS; none where TLS_CERT is not set. Raises SettingError."""
    found = pairs(settings)
    if not found:
        return {}
    context = server_context(found)
    return {"ssl_context_factory": lambda config, default: context}


def server_context(given: Sequence[Pair]) -> ssl.SSLContext:
    """The TLS context of the server. Raises SettingError when the files can't be read, are not a certificate
    and a key, don't match, or when two certificates have the same kind of key.
    """
    for pair in given:
        _check_readable(pair.certificate_name, pair.certificate)
        if pair.key is not None:
            _check_readable(pair.key_name, pair.key)
        try:
            _load([pair])
        except (ssl.SSLError, ValueError) as error:
            raise SettingError(pair.certificate_name, f"{pair} can't be used ({_reason(error)})") from None
    try:
        context = _load(given)
    except ValueError as error:
        raise SettingError(given[-1].certificate_name, str(error)) from None
    context.sni_callback = _Renewal(given, context)
    return context


def client_context(given: Sequence[Pair], roots: str) -> ssl.SSLContext:
    """The TLS context of a port that requires a client certificate below one of these roots (PEM).

    Raises OSError and ValueError when the files of the server can't be used.
    """
    context = _load(given)
    context.verify_mode = ssl.CERT_REQUIRED
    # A CA that is trusted itself needs no root above it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    # No session is resumed: every handshake shows the certificate, which may be revoked by then.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    if roots:
        context.load_verify_locations(cadata=roots)
    return context


def loopback_context(settings: Mapping[str, Any]) -> ssl.SSLContext:
    """The TLS context of a client on this machine, which accepts only the certificates of the server.

    Raises SettingError when they can't be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the certificate has the host name that stations use
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    for pair in pairs(settings):
        try:
            context.load_verify_locations(pair.certificate)
        except OSError as error:
            raise SettingError(pair.certificate_name, f"{pair.certificate} can't be used ({error})") from None
    return context


class _Renewal:
    """The SNI callback, which OpenSSL calls for every handshake: it sets the newest context on the socket."""

    def __init__(self, given: Sequence[Pair], context: ssl.SSLContext) -> None:
        self._pairs = given
        self._original = self._current = context
        self._seen = stamp(given)
        self._checked_at = time.monotonic()

    def __call__(self, socket: Any, name: str | None, context: ssl.SSLContext) -> None:
        now = time.monotonic()
        if now - self._checked_at >= CHECK_EVERY_S:
            self._checked_at = now
            self._reload()
        if self._current is not self._original:
            socket.context = self._current

    def _reload(self) -> None:
        newest = stamp(self._pairs)
        if newest == self._seen:
            return
        self._seen = newest
        try:
            self._current = _load(self._pairs)
        except (OSError, ValueError) as error:  # SSLError is an OSError
            log.error("tls.not_renewed", certificate=self._names(), reason=_reason(error))
        else:
            log.info("tls.renewed", certificate=self._names())

    def _names(self) -> str:
        return ", ".join(str(pair.certificate) for pair in self._pairs)


def stamp(given: Sequence[Pair]) -> tuple[tuple[int, int] | None, ...]:
    """Changes when one of the files does."""
    return tuple(_stamp(path) for pair in given for path in pair.files)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:  # between the removal of the old file and the new one
        return None
    return found.st_mtime_ns, found.st_ino


def _load(given: Sequence[Pair]) -> ssl.SSLContext:
    if len(given) > 1:
        _check_kinds(given)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    for pair in given:
        # Without this callback OpenSSL would prompt for a password on the terminal.
        context.load_cert_chain(pair.certificate, pair.key, password=_refuse_password)
    return context


def _check_kinds(given: Sequence[Pair]) -> None:
    """Raises ValueError for two certificates with keys of one kind: OpenSSL would forget the first one."""
    # Imported here, because a server with one certificate needs no X.509 parser.
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    are_rsa = set()
    for pair in given:
        certificate = x509.load_pem_x509_certificates(pair.certificate.read_bytes())[0]
        are_rsa.add(isinstance(certificate.public_key(), RSAPublicKey))
    if len(are_rsa) < len(given):
        kind = "an RSA key" if True in are_rsa else "an ECDSA key"
        raise ValueError(f"both certificates have {kind}; one must have an RSA key and one an ECDSA key")


def _refuse_password() -> str:
    raise ValueError("the key is encrypted; store it without a password, readable by the server alone")


def _check_readable(name: str, path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise SettingError(name, f"the file {path} can't be read ({error.strerror})") from None


def _reason(error: Exception) -> str:
    return getattr(error, "reason", None) or str(error)
