"""The files of uploaded logs in UPLOAD_DIR."""

from __future__ import annotations

from typing import Final

from ocpp_server.bounds.folders import Folder

# A form may have so many bytes beside its file.
MOST_DISCARDED: Final = 1 << 20

LOGS: Final = Folder(
    path="UPLOAD_DIR", max_file="UPLOAD_MAX_FILE", quota="UPLOAD_QUOTA", owner="The files of all stations"
)
