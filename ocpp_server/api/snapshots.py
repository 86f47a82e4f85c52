"""docs/openapi/: the OpenAPI document of each version, as files.

The file of the version that is not released yet follows the code; `manage.py api_docs` writes it, and refuses
to write a change that breaks clients. The files of released versions stay as they are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import orjson

from ocpp_server import __version__
from ocpp_server.api.pages import document

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "openapi"


def file_of(version: str = __version__) -> Path:
    return FOLDER / f"{version}.json"


def text() -> str:
    """The document of now, in the form of the files: their lines can be compared."""
    return json.dumps(plain(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def plain() -> dict[str, Any]:
    """The document of now as JSON has it: without lazy texts and keys that are no texts."""
    dumped = orjson.dumps(document(), default=str, option=orjson.OPT_NON_STR_KEYS)
    found: dict[str, Any] = orjson.loads(dumped)
    return found


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(file.read_bytes())
    return found
