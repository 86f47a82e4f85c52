"""A receiver of webhooks that keeps all events in a file.

`python -m tests.distributed.webhook_receiver FILE PORT SECRET`. It may be killed at any moment: it stores an
event first and answers afterwards, and continues its file.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from docs.examples.receive_webhooks import is_genuine
from tests.distributed.event_consumer import Received

# A pause before the answer, so that some kills come between a stored event and its answer.
WORK_S = 0.01


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    key = b""
    file: Any = None
    turn = threading.Lock()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not is_genuine(self.key, self.headers, body):
            self.answer(401)
            return
        self.keep({**json.loads(body), "seen": time.time(), "webhook-id": self.headers["Webhook-Id"]})
        time.sleep(WORK_S)
        self.answer(204)

    @classmethod
    def keep(cls, line: dict[str, Any]) -> None:
        with cls.turn:
            cls.file.write(json.dumps(line).encode() + b"\n")
            cls.file.flush()

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """No line for each event."""


def main(file: str, port: str, secret: str) -> None:
    path = Path(file)
    if path.exists():
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
    Handler.key = base64.b64decode(secret.removeprefix("whsec_"))
    with path.open("ab") as kept:
        Handler.file = kept
        server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
        Handler.keep({"start": len(Received.read(path).events)})
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
