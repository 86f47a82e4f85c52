"""TLS termination by this server itself, without a proxy: TLS_CERT and TLS_KEY.

A renewed certificate needs no restart: the next handshake after a change of the files loads them. An unusable
certificate is logged, and the last good one stays in use.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from ocpp_server.environment.env import SettingError

# The four cipher suites that 2.0.1 A00.FR.318 requires of a CSMS, and the ones that newer stations prefer. No
# CBC and no SHA-1; TLS 1.3 has its own suites.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:AES128-GCM-SHA256:AES256-GCM-SHA384"
# The files are checked at most this often.
CHECK_EVERY_S = 5.0

log = structlog.get_logger(__name__)


def uvicorn_options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `uvicorn.Config` for TLS; none where TLS_CERT is not set. Raises SettingError."""
    certificate, key = settings["TLS_CERT"], settings["TLS_KEY"]
    if certificate is None:
        if key is not None:
            raise SettingError("TLS_KEY", "there is no TLS_CERT to go with it")
        return {}
    context = server_context(certificate, key)
    return {"ssl_context_factory": lambda config, default: context}


def server_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """The TLS context of the server. Without `key`, the file of the certificate must contain the key.

    Raises SettingError when the files can't be read, are not a certificate and a key, or don't match.
    """
    _check_readable("TLS_CERT", certificate)
    if key is not None:
        _check_readable("TLS_KEY", key)
    try:
        context = _load(certificate, key)
    except (ssl.SSLError, ValueError) as error:
        raise SettingError(
            "TLS_CERT", f"{_Pair(certificate, key)} can't be used ({_reason(error)})"
        ) from None
    context.sni_callback = _Renewal(certificate, key, context)
    return context


def loopback_context(certificate: Path) -> ssl.SSLContext:
    """The TLS context of a client on this machine, which accepts only this certificate of the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the certificate has the host name that stations use
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(certificate)
    return context


class _Pair:
    """The names of the two files for an error text."""

    def __init__(self, certificate: Path, key: Path | None) -> None:
        self._files = [str(certificate), *([str(key)] if key else [])]

    def __str__(self) -> str:
        return " with ".join(self._files)


class _Renewal:
    """The SNI callback, which OpenSSL calls for every handshake: it sets the newest context on the socket."""

    def __init__(self, certificate: Path, key: Path | None, context: ssl.SSLContext) -> None:
        self._certificate = certificate
        self._key = key
        self._original = self._current = context
        self._seen = self._stamp()
        self._checked_at = time.monotonic()

    def __call__(self, socket: Any, name: str | None, context: ssl.SSLContext) -> None:
        now = time.monotonic()
        if now - self._checked_at >= CHECK_EVERY_S:
            self._checked_at = now
            self._reload()
        if self._current is not self._original:
            socket.context = self._current

    def _reload(self) -> None:
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._current = _load(self._certificate, self._key)
        except (OSError, ValueError) as error:  # SSLError is an OSError
            log.error("tls.not_renewed", certificate=str(self._certificate), reason=_reason(error))
        else:
            log.info("tls.renewed", certificate=str(self._certificate))

    def _stamp(self) -> tuple[tuple[int, int] | None, ...]:
        return tuple(_stamp(path) for path in (self._certificate, self._key) if path)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:  # between the removal of the old file and the new one
        return None
    return found.st_mtime_ns, found.st_ino


def _load(certificate: Path, key: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    # Without this callback OpenSSL would prompt for a password on the terminal.
    context.load_cert_chain(certificate, key, password=_refuse_password)
    return context


def _refuse_password() -> str:
    raise ValueError("the key is encrypted; store it without a password, readable by the server alone")


def _check_readable(name: str, path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise SettingError(name, f"the file {path} can't be read ({error.strerror})") from None


def _reason(error: Exception) -> str:
    return getattr(error, "reason", None) or str(error)
