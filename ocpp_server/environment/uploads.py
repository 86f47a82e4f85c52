"""The settings of files that stations upload: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocpp_server.environment.parsers import duration, folder, positive_duration, public_url, size
from ocpp_server.environment.variable import Variable

_GROUP = "Files from stations"


def _in_data_dir(known: Mapping[str, Any]) -> str:
    return str(known["DATA_DIR"] / "uploads")


UPLOAD_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "UPLOAD_URL",
        "",
        public_url,
        "The address at which stations reach the server to upload diagnostics and logs, and to download "
        "firmware; http where they can't do TLS or don't trust the server's certificate.",
        _GROUP,
        "PUBLIC_URL; without it, the address of the machine and HTTP_PORT if run.py is everything in one "
        "process",
    ),
    Variable(
        "UPLOAD_DIR",
        _in_data_dir,
        folder,
        "The folder of these files; the same for all processes of the role web.",
        _GROUP,
        "uploads in DATA_DIR",
    ),
    Variable(
        "UPLOAD_MAX_FILE",
        "100MiB",
        size,
        "The largest file that a station may upload; a larger one is answered with 413.",
        _GROUP,
    ),
    Variable(
        "UPLOAD_QUOTA",
        "10GiB",
        size,
        "The size of all these files together; beyond it an upload is answered with 507.",
        _GROUP,
    ),
    Variable(
        "UPLOAD_MIN_FREE",
        "1GiB",
        size,
        "The space that an upload, also one of firmware, must leave free on the disk; otherwise it is "
        "answered with 507.",
        _GROUP,
    ),
    Variable(
        "UPLOAD_EXPIRY",
        "24h",
        positive_duration,
        "How long a station may use the address that it got for an upload.",
        _GROUP,
    ),
    Variable(
        "UPLOAD_RETENTION",
        "30d",
        duration,
        "Retention of uploaded files and of the list of requested logs; 0 is no limit.",
        _GROUP,
    ),
)
