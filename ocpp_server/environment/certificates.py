"""The settings of our CA and its signer: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocpp_server.environment.parsers import (
    file,
    folder,
    one_of,
    passphrase,
    positive_count,
    positive_duration,
)
from ocpp_server.environment.variable import Variable

_GROUP = "Certificates"


def _beside_data(known: Mapping[str, Any]) -> str:
    return str(known["DATA_DIR"] / "signer")


CERTIFICATE_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "SIGNER_DIR",
        _beside_data,
        folder,
        "The folder of the CA keys, encrypted with the passphrase. Only the signer needs it.",
        _GROUP,
        "signer in DATA_DIR",
    ),
    Variable(
        "SIGNER_PASSPHRASE_FILE",
        "",
        file,
        "A file with the passphrase of the CA keys, readable by the signer alone. With it or with "
        "SIGNER_PASSPHRASE, run.py starts a signer beside the server.",
        _GROUP,
        "none",
    ),
    Variable(
        "SIGNER_PASSPHRASE",
        "",
        passphrase,
        "The passphrase itself, at least 20 random characters, where a file is not possible.",
        _GROUP,
        "none",
    ),
    Variable(
        "SIGNER_KEY_STORE",
        "",
        str.strip,
        "The function that opens another store of CA keys, by its import path, such as an HSM through "
        "PKCS#11: docs.examples.key_store.open_store. Empty: encrypted files in SIGNER_DIR.",
        _GROUP,
    ),
    Variable(
        "SIGNER_ISSUER",
        "",
        str.strip,
        "The function that gets certificates from an external CA, by its import path. It may leave requests "
        "to our own CAs. Empty: our own CAs sign everything.",
        _GROUP,
    ),
    Variable(
        "CERTIFICATE_APPROVAL",
        "automatic",
        one_of("automatic", "manual"),
        "The approval of signing requests: automatic for accepted stations with security profile 1 or "
        "higher; all others, and with manual all, wait for an administrator. The signer reads it too.",
        _GROUP,
    ),
    Variable(
        "CERTIFICATE_LIFE",
        "365d",
        positive_duration,
        "How long certificates of stations are valid.",
        _GROUP,
    ),
    Variable(
        "CERTIFICATE_LIFE_VEHICLE",
        "90d",
        positive_duration,
        "How long certificates are valid that stations use towards vehicles (ISO 15118).",
        _GROUP,
    ),
    Variable(
        "CERTIFICATE_RENEWAL",
        "30d",
        positive_duration,
        "The time before its end at which the server asks a station to renew its certificate.",
        _GROUP,
    ),
    Variable(
        "CERTIFICATE_GRACE",
        "30d",
        positive_duration,
        "How long the previous certificate of a station stays valid after it has logged on with a new one: "
        "its fallback (2.0.1 A02.FR.10).",
        _GROUP,
    ),
    Variable(
        "CERTIFICATE_ADOPTION",
        "24h",
        positive_duration,
        "Time for a station to log on with its new certificate; then it counts as not adopted.",
        _GROUP,
    ),
    Variable(
        "CERTIFICATE_REQUESTS_PER_HOUR",
        "10",
        positive_count,
        "Signing requests that a station may send in an hour.",
        _GROUP,
    ),
)
