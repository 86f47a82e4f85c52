"""A PKI for tests on real TLS sockets: stations with client certificates, and the roots of a server."""

from __future__ import annotations

import sqlite3
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives import serialization

from ocpp_server.pki import parsing
from tests.self_signed import trusting
from tests.unit.pki.made import Made


class Pki:
    """Writes the files of certificates into a folder. `server` is the certificate of the server."""

    def __init__(self, folder: Path, server: Path) -> None:
        self._folder = folder
        self._server = server
        self._number = 0

    def client(
        self, *chain: Made, version: ssl.TLSVersion | None = None, is_lax: bool = False
    ) -> ssl.SSLContext:
        """A client with this certificate and the CAs above it; `is_lax` lets it present a weak one."""
        context = trusting(self._server)
        if is_lax:
            context.set_ciphers("ALL:@SECLEVEL=0")
        if version is not None:
            context.minimum_version = context.maximum_version = version
        if chain:
            self._number += 1
            file = self._folder / f"client-{self._number}.pem"
            file.write_text(parsing.pem_of(*(one.certificate for one in chain)) + key_of(chain[0]))
            context.load_cert_chain(file)
        return context


def key_of(made: Made) -> str:
    """The private key in PEM."""
    text: bytes = made.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return text.decode()


def trust(database: Path | str, *roots: Made, kind: str = "csms") -> None:
    """Store trusted roots in SQLite (a path) or PostgreSQL (a URL)."""
    for root in roots:
        one = root.certificate
        row = {
            "name": f"{parsing.common_name(one.subject)} {parsing.sha256(one)[:8]}",
            "kind": kind,
            "certificate": parsing.pem_of(one),
            "cross_signed": "",
            "sha256": parsing.sha256(one),
            "subject": one.subject.rfc4514_string(),
            "source": "upload",
            "is_enabled": True,
            "not_before": one.not_valid_before_utc.isoformat(" "),
            "not_after": one.not_valid_after_utc.isoformat(" "),
            "created_at": datetime.now(UTC).isoformat(" "),
        }
        execute(
            database,
            f"INSERT INTO certificates_trustroot ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
            list(row.values()),
        )


def add_authority(database: Path | str, made: Made) -> None:
    """Store a CA of this server."""
    one = made.certificate
    row = {
        "name": parsing.common_name(one.subject),
        "usage": "stations",
        "key_type": "ecdsa",
        "key_name": parsing.sha256(one),
        "certificate": parsing.pem_of(one),
        "sha256": parsing.sha256(one),
        "subject": one.subject.rfc4514_string(),
        "state": "active",
        "not_before": one.not_valid_before_utc.isoformat(" "),
        "not_after": one.not_valid_after_utc.isoformat(" "),
        "created_at": datetime.now(UTC).isoformat(" "),
    }
    execute(
        database,
        f"INSERT INTO certificates_certificateauthority ({', '.join(row)})"
        f" VALUES ({', '.join('?' * len(row))})",
        list(row.values()),
    )


def execute(database: Path | str, sql: str, values: Sequence[Any] = ()) -> None:
    """Run a statement beside the server. `?` stands for a value."""
    if isinstance(database, str):
        with psycopg.connect(database) as connection:
            connection.execute(sql.replace("?", "%s"), values)  # type: ignore[call-overload]
        return
    file = sqlite3.connect(database, timeout=10)
    try:
        with file:
            file.execute(sql, values)
    finally:
        file.close()
