"""What a server has logged, line by line."""

from __future__ import annotations

import http.client
import json
from typing import Any

from tests.servers import API_KEY, LiveServer

Line = dict[str, Any]


def lines(server: LiveServer) -> list[Line]:
    """Every line is an object: one that is not fails the test. What `print` wrote is no log."""
    texts = server.log.read_text("utf-8").splitlines()
    return [json.loads(text) for text in texts if text.startswith("{")]


def about(server: LiveServer, name: str) -> list[Line]:
    """The lines one finds by grepping for a name."""
    return [line for line in lines(server) if name in json.dumps(line)]


def post(server: LiveServer, path: str, body: Any, **headers: str) -> tuple[int, Any, dict[str, str]]:
    """A POST; status, the answer's JSON, and its headers."""
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
