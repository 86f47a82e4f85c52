"""Backups of the CAs: their certificates, and their keys encrypted with a passphrase."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from django.db import transaction

from certificates.models import CertificateAuthority
from certificates.signing import authorities, keys
from certificates.signing.keys import KeyStore, KeyUnusable
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.pki import parsing

FORMAT: Final = "ocpp-server-pki/1"


def export(store: KeyStore, passphrase: str) -> str:
    """Every CA with its key as encrypted PKCS#8, as JSON. Raises KeyUnusable."""
    if len(passphrase) < keys.SHORTEST_PASSPHRASE:
        raise KeyUnusable(f"The passphrase needs at least {keys.SHORTEST_PASSPHRASE} characters.")
    names = set(store.names())
    rows = CertificateAuthority.objects.select_related("parent").order_by("pk")
    found = [
        {
            "name": row.name,
            "parent": row.parent.sha256 if row.parent is not None else "",
            "usage": row.usage,
            "state": row.state,
            "keyName": row.key_name,
            "certificate": row.certificate,
            "key": keys.sealed(store.key(row.key_name), passphrase.encode()).decode()
            if row.key_name in names
            else "",
        }
        for row in rows
    ]
    return json.dumps({"format": FORMAT, "authorities": found}, indent=1)


def write(path: Path, text: str) -> None:
    """Write a new file that only this user can read. Raises Conflict if it exists."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"The file {path} exists already.") from None
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def restore(store: KeyStore, text: str, passphrase: str) -> list[CertificateAuthority]:
    """Store the keys of a backup, and the rows that are missing. Returns the CAs whose key was restored.

    Rows and keys that exist stay as they are. Raises Invalid for another file, and KeyUnusable for a wrong
    passphrase: then nothing is changed.
    """
    entries = _entries(text)
    sealed = [(entry, entry["key"]) for entry in entries if entry["key"]]
    opened = [
        (entry, keys.opened(pem.encode(), passphrase.encode(), entry["keyName"])) for entry, pem in sealed
    ]
    for entry, key in opened:
        store.put(entry["keyName"], key)
    with transaction.atomic():
        rows = {entry["keyName"]: _row(entry) for entry in entries}
    return [rows[entry["keyName"]] for entry, _ in opened]


def _entries(text: str) -> list[dict[str, Any]]:
    names = {"name", "parent", "usage", "state", "keyName", "certificate", "key"}
    try:
        whole = json.loads(text)
        entries: list[dict[str, Any]] = whole["authorities"]
        is_known = whole["format"] == FORMAT and all(names <= entry.keys() for entry in entries)
    except (ValueError, KeyError, TypeError, AttributeError):
        is_known, entries = False, []
    if not is_known:
        raise Invalid("This file is no backup of CAs.", field="file")
    return entries


def _row(entry: dict[str, Any]) -> CertificateAuthority:
    certificate = parsing.certificate(entry["certificate"], field="certificate")
    known = CertificateAuthority.objects.filter(sha256=parsing.sha256(certificate)).first()
    if known is not None:
        return known
    parent = CertificateAuthority.objects.get(sha256=entry["parent"]) if entry["parent"] else None
    row = authorities.store_row(
        entry["name"], entry["keyName"], certificate, usage=entry["usage"], parent=parent
    )
    CertificateAuthority.objects.filter(pk=row.pk).update(state=entry["state"])
    return row
