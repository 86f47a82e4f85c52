"""Fuzzed requests against the OpenAPI document: no server error, and no undocumented answer."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.station import Station
from tests.seeds import chosen_seed
from tests.servers import API_KEY, LiveServer

# 502 and 503 are caused by stations and documented; 500 would be a fault of the server.
CONFIGURATION = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 502, 503]
"""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("phases", "examples"),
    [("examples,fuzzing", 1), pytest.param("examples,coverage,fuzzing", 5, marks=pytest.mark.nightly)],
)
async def test_valid_and_invalid_requests_get_documented_answers(
    server: LiveServer, tmp_path: Path, phases: str, examples: int
) -> None:
    # given rows of every kind, and an online station with an identity that the fuzzer generates often
    station = Station("0", "1.6", server.ocpp, speed=60)
    await station.start()
    await asyncio.to_thread(server.request, "POST", "/api/v1/tokens", {"uid": "0"})
    await station.charge(connector=1, token="0", duration_s=60)
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)

    # when the fuzzer sends requests that match the document, and requests that break it
    fuzzer = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())",
        "--config-file",
        str(configuration),
        "run",
        f"http://127.0.0.1:{server.port}/api/schema/",
        *("-H", f"Authorization: Api-Key {API_KEY}"),
        # An answer without an end; tests/api/events has its tests.
        *("--exclude-path", "/api/v1/events/stream"),
        *("--phases", phases),
        *("--max-examples", str(examples)),
        *("--checks", ",".join(CHECKS)),
        *("--seed", str(chosen_seed("requests"))),
        *("--request-timeout", "60"),
        *("--generation-database", "none"),
        *("--suppress-health-check", "too_slow"),
        "--no-color",
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await fuzzer.communicate()
    await station.stop()

    # then the fuzzer found no fault, and the log has no error
    text = output.decode("utf-8", "replace")
    assert fuzzer.returncode == 0, text[text.find("FAILURES") :][:6000]  # the summary has no reasons
    log = server.log.read_text("utf-8", "replace")
    assert "api.failed" not in log
    assert "Traceback" not in log
