"""The API against its own document: no fault of the server, no answer that is not declared."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.station import Station
from tests.servers import API_KEY, LiveServer

# 502 and 503 are what stations do, and documented; 500 would be ours.
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
async def test_no_request_that_fits_or_breaks_the_document_is_answered_by_a_surprise(
    server: LiveServer, tmp_path: Path, phases: str, examples: int
) -> None:
    # given rows of every kind, and a station that is online under a name the fuzzer likes
    station = Station("0", "1.6", server.ocpp, speed=60)
    await station.start()
    await asyncio.to_thread(server.request, "POST", "/api/v1/tokens", {"uid": "0"})
    await station.charge(connector=1, token="0", duration_s=60)
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)

    # when the document is taken at its word, and against it
    fuzzer = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())",
        "--config-file",
        str(configuration),
        "run",
        f"http://127.0.0.1:{server.port}/api/schema/",
        *("-H", f"Authorization: Api-Key {API_KEY}"),
        *("--phases", phases),
        *("--max-examples", str(examples)),
        *("--checks", ",".join(CHECKS)),
        *("--seed", "1"),
        *("--request-timeout", "60"),
        *("--generation-database", "none"),
        *("--suppress-health-check", "too_slow"),
        "--no-color",
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await fuzzer.communicate()
    await station.stop()

    # then nothing was wrong, and nothing was written into the log as wrong
    assert fuzzer.returncode == 0, said.decode("utf-8", "replace")[-6000:]
    log = server.log.read_text("utf-8", "replace")
    assert "api.failed" not in log
    assert "Traceback" not in log
