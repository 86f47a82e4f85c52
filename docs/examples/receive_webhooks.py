"""A receiver of webhooks that stores each event once, in SQLite. Standard library only.

    python3 receive_webhooks.py events.db 8443 whsec_...

It answers after the commit: an event that was answered is stored, and one that was not comes again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sqlite3
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE_S = 300
MOST_BYTES = 64 * 1024


def open_store(path: str) -> sqlite3.Connection:
    store = sqlite3.connect(path, timeout=30)
    store.execute("PRAGMA journal_mode = WAL")
    store.execute(
        "CREATE TABLE IF NOT EXISTS events"
        " (id TEXT PRIMARY KEY, position INTEGER, station TEXT, sequence INTEGER, type TEXT, body TEXT)"
    )
    return store


def is_genuine(key: bytes, headers: Any, body: bytes) -> bool:
    identity, sent_at = headers.get("Webhook-Id", ""), headers.get("Webhook-Timestamp", "")
    if not sent_at.isdigit() or abs(time.time() - int(sent_at)) > TOLERANCE_S:
        return False
    signed = f"{identity}.{sent_at}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return any(hmac.compare_digest(expected, one) for one in headers.get("Webhook-Signature", "").split())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    path_of_store = ""
    key = b""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MOST_BYTES:
            self.close_connection = True
            self.answer(413)
            return
        body = self.rfile.read(length)
        if not is_genuine(self.key, self.headers, body):
            self.answer(401)
            return
        event = json.loads(body)
        with open_store(self.path_of_store) as store:
            # The same id twice is the same event: the first one counts.
            store.execute(
                "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?)",
                (
                    event["id"],
                    event.get("position"),
                    event.get("station"),
                    event.get("sequence"),
                    event["type"],
                    body.decode(),
                ),
            )
        store.close()
        self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """No line for each event."""


def main() -> None:
    path, port, secret = sys.argv[1:4]
    Handler.path_of_store, Handler.key = path, base64.b64decode(secret.removeprefix("whsec_"))
    open_store(path).close()
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    print(f"Listening on port {server.server_port}.", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
