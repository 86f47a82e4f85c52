"""Every refusal has a code of the closed list, and every code of the list occurs."""

from __future__ import annotations

import json
from typing import Any

from ocpp_server.api import codes
from ocpp_server.api.pages import document
from ocpp_server.error_codes import ALIASES, STATION_CODES, Code, of_station, possible
from ocpp_server.protocol.errors import OcppError
from tests.api.recorded import recording

# The codes of refusals that the recorded scenario can't cause cheaply, with the file of the test that does.
ELSEWHERE = {
    Code.ADDRESS_LIMITED: "tests/unit/bounds/test_crowds.py",
    Code.BODY_TOO_SLOW: "tests/unit/bounds/test_bodies.py",
    Code.IDEMPOTENCY_IN_PROGRESS: "tests/api/kit/test_idempotency.py",
    Code.NOT_READY: "tests/unit/process/test_shutdown.py",
    Code.TOO_MANY_STREAMS: "tests/api/events/test_stream.py",
    Code.TRANSACTION_RUNNING: "tests/api/transactions/test_settling.py",
}


def refusals() -> list[dict[str, Any]]:
    return [
        one
        for name in ("answers", "failures")
        for one in json.loads((recording.FOLDER / f"{name}.json").read_text("utf-8"))
        if isinstance(one.get("answer"), dict) and one["status"] >= 400
    ]


def test_every_recorded_refusal_has_a_code_of_its_status() -> None:
    wrong = [
        one["name"] for one in refusals() if one["answer"]["data"].get("code") not in possible(one["status"])
    ]

    assert not wrong


def test_every_code_is_in_the_recording_or_in_another_test() -> None:
    seen = {one["answer"]["data"]["code"] for one in refusals()}
    of_answers_with_200 = {Code.REJECTED, Code.PARTIAL}
    missing = {code for code in Code if code.value not in seen} - of_answers_with_200

    assert missing == set(ELSEWHERE)
    for code, path in ELSEWHERE.items():
        assert code.value in (recording.FOLDER.parents[2] / path).read_text("utf-8"), path


def test_a_refusal_with_errors_names_the_first_as_its_parameter() -> None:
    for one in refusals():
        data = one["answer"]["data"]
        if "errors" in data and data["code"] != Code.IMPORT_FAILED:
            assert data["param"] == data["errors"][0]["field"], one["name"]


def test_a_stations_code_stays_if_ocpp_defines_it() -> None:
    assert of_station("InternalError") == "InternalError"
    assert ALIASES[of_station("InternalError")] is Code.STATION_ERROR
    assert of_station("Busy") == of_station("") == Code.STATION_ERROR


def test_every_error_of_the_protocol_is_an_alias() -> None:
    kinds = OcppError.__subclasses__()
    spelled = {kind.code for kind in kinds} | {kind.code_16 for kind in kinds if kind.code_16}

    assert kinds
    assert spelled <= set(STATION_CODES)


def test_the_document_has_the_codes_of_each_status() -> None:
    schemas = document()["components"]["schemas"]
    statuses = {
        code for item in document()["paths"].values() for one in item.values() for code in one["responses"]
    }

    assert set(schemas["ErrorCode"]["enum"]) == {*Code, *STATION_CODES}
    for status in sorted(status for status in statuses if status >= "400"):
        field = schemas[f"Problem{status}Data"]["properties"]["code"]
        assert field["allOf"] == [codes.COMPONENT], status
        assert field["enum"] == possible(int(status)) != [], status


def test_the_page_of_codes_is_current() -> None:
    """`python -m ocpp_server.api.codes` writes it."""
    assert codes.PAGE.read_text("utf-8") == codes.page()
