"""The settings of firmware files: a part of the table in `table.py`. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocpp_server.environment.parsers import folder, positive_duration, size
from ocpp_server.environment.variable import Variable

_GROUP = "Firmware files"


def _in_data_dir(known: Mapping[str, Any]) -> str:
    return str(known["DATA_DIR"] / "firmware")


FIRMWARE_VARIABLES: tuple[Variable, ...] = (
    Variable(
        "FIRMWARE_DIR",
        _in_data_dir,
        folder,
        "The folder of the firmware that the server offers to stations; the same for all processes of the "
        "role web. Stations download at UPLOAD_URL.",
        _GROUP,
        "firmware in DATA_DIR",
    ),
    Variable(
        "FIRMWARE_MAX_FILE",
        "512MiB",
        size,
        "The largest firmware file; a larger one is refused.",
        _GROUP,
    ),
    Variable(
        "FIRMWARE_QUOTA",
        "10GiB",
        size,
        "The size of all firmware files together; beyond it an upload is refused.",
        _GROUP,
    ),
    Variable(
        "FIRMWARE_SILENCE",
        "1h",
        positive_duration,
        "A firmware update whose station reports nothing for so long is silent: it has no result.",
        _GROUP,
    ),
)
