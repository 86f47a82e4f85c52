"""TLS ended by this server itself, where no proxy in front does it: TLS_CERT and TLS_KEY.

A renewed certificate is taken without a restart: a handshake that comes after the files have changed reads
them first. An unusable certificate is logged, and the last good one stays in use.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from ocpp_server.environment.env import SettingError

# The four that 2.0.1 A00.FR.318 asks of a CSMS, and what newer stations prefer to them. No CBC, no SHA-1; TLS
# 1.3 brings its own.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:AES128-GCM-SHA256:AES256-GCM-SHA384"
# The files are checked at most this often.
LOOK_EVERY_S = 5.0

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
    """The context of a listening server. `key` None: it is in the file of the certificate.

    Raises SettingError when the files can't be read, are no certificate and key, or don't belong together.
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
    """For a command of this machine: the server on the loopback address has to show this very certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # it is made out to the name that stations use
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(certificate)
    return context


class _Pair:
    """The two files in words."""

    def __init__(self, certificate: Path, key: Path | None) -> None:
        self._files = [str(certificate), *([str(key)] if key else [])]

    def __str__(self) -> str:
        return " with ".join(self._files)


class _Renewal:
    """Called by OpenSSL for every handshake, with a server name or without; a socket may change contexts."""

    def __init__(self, certificate: Path, key: Path | None, context: ssl.SSLContext) -> None:
        self._certificate = certificate
        self._key = key
        self._original = self._current = context
        self._seen = self._stamp()
        self._looked_at = time.monotonic()

    def __call__(self, socket: Any, name: str | None, context: ssl.SSLContext) -> None:
        now = time.monotonic()
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            self._look()
        if self._current is not self._original:
            socket.context = self._current

    def _look(self) -> None:
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
    # Without a password OpenSSL would ask for one at the terminal.
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
