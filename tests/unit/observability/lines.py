"""The log of a server, line by line."""

from __future__ import annotations

import http.client
import json
from typing import Any

from tests.servers import API_KEY, LiveServer

Line = dict[str, Any]


def lines(server: LiveServer) -> list[Line]:
    """Every line of the log as an object. A line that is no JSON object, as of `print`, fails the test."""
    texts = server.log.read_text("utf-8").splitlines()
    return [json.loads(text) for text in texts if text.startswith("{")]


def about(server: LiveServer, name: str) -> list[Line]:
    """The lines that contain a name."""
    return [line for line in lines(server) if name in json.dumps(line)]


def post(server: LiveServer, path: str, body: Any, **headers: str) -> tuple[int, Any, dict[str, str]]:
    """Send a POST; the status, the JSON and the headers of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    sent = {"Content-Type": "application/json", "Authorization": f"Api-Key {API_KEY}", **headers}
    try:
        connection.request("POST", path, json.dumps(body), sent)
        answer = connection.getresponse()
        return (
            answer.status,
            json.loads(answer.read()),
            {name.lower(): value for name, value in answer.getheaders()},
        )
    finally:
        connection.close()
