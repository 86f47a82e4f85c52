"""Contracts of vehicles with their PKI: a root, two CAs of the mobility operator, and the certificates."""

from __future__ import annotations

import sqlite3
import uuid
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from accounts import emaid
from ocpp_server.pki import hash_data, parsing
from tests.responders import Server, StatusesOfMany
from tests.servers import LiveServer
from tests.unit.pki.made import Made, make


def fresh_emaid() -> str:
    """A contract id that no other test uses, without separators."""
    body = f"DE8AAC{uuid.uuid4().int % 10**8:08d}"
    return body + emaid.check_character(body)


def trust(server: LiveServer, kind: str, root: x509.Certificate) -> None:
    """Add a trusted root to the database of a running server."""
    row = {
        "name": parsing.common_name(root.subject),
        "kind": kind,
        "certificate": parsing.pem_of(root),
        "cross_signed": "",
        "sha256": parsing.sha256(root),
        "subject": root.subject.rfc4514_string(),
        "source": "upload",
        "is_enabled": True,
        "not_before": root.not_valid_before_utc.isoformat(" "),
        "not_after": root.not_valid_after_utc.isoformat(" "),
        "created_at": datetime.now(UTC).isoformat(" "),
    }
    connection = sqlite3.connect(server.database, timeout=10)
    with connection:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        sql = f"INSERT OR IGNORE INTO certificates_trustroot ({names}) VALUES ({marks})"  # noqa: S608 - names of columns
        connection.execute(sql, tuple(row.values()))
    connection.close()


class Operators:
    """The PKI of a mobility operator; every certificate below the root names the responder."""

    def __init__(self, responder: Server) -> None:
        self.responder = responder
        self.root = make("MO Root", is_ca=True)
        self.first = make("MO Sub-CA 1", by=self.root, is_ca=True, more=self.access)
        self.second = make("MO Sub-CA 2", by=self.first, is_ca=True, length=0, more=self.access)
        self.says = StatusesOfMany(self.root, self.first, self.second)

    @property
    def access(self) -> tuple[tuple[x509.ExtensionType, bool], ...]:
        named = x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(self.responder.url)
        )
        return ((x509.AuthorityInformationAccess([named]), False),)

    def contract(self, contract_id: str, **how: Any) -> Made:
        return make(contract_id, **({"by": self.second, "more": self.access} | how))

    def chain(self, contract: Made) -> str:
        return parsing.pem_of(contract.certificate, self.second.certificate, self.first.certificate)

    def hash_data(self, contract: Made) -> list[dict[str, str]]:
        """Of the contract and its two CAs, as a station sends it that has validated the chain."""
        path = [contract, self.second, self.first, self.root]
        return [
            hash_data.of(one.certificate, issuer.certificate).wire() | {"responderURL": self.responder.url}
            for one, issuer in zip(path, path[1:], strict=False)
        ]
