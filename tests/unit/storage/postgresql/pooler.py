"""A proxy that hides the number of the server's process, as pgbouncer does."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# BackendKeyData: the kind, a length of 12, the number of the process (and then the key).
_KEY_DATA = b"K\x00\x00\x00\x0c"


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            place = data.find(_KEY_DATA)
            if place >= 0:
                data = data[: place + 5] + b"\x00\x00\x00\x07" + data[place + 9 :]
            target.sendall(data)
    _end(source, target)


def _end(*sockets: socket.socket) -> None:
    """Wake the threads that wait for these sockets. `close` alone does not, and the connection stays open."""
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def pooler(host: str, port: int) -> Iterator[int]:
    """Yield the port of the proxy."""
    listener = socket.create_server(("127.0.0.1", 0))
    ends: list[socket.socket] = [listener]
    threads: list[threading.Thread] = []

    def start(*work: Any) -> None:
        threads.append(threading.Thread(target=work[0], args=work[1:], daemon=True))
        threads[-1].start()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((host, port))
                ends.extend((client, server))
                start(_pass_on, client, server)
                start(_pass_on, server, client)

    start(accept)
    try:
        yield int(listener.getsockname()[1])
    finally:
        _end(*ends)
        for thread in threads:
            thread.join(10)
        for end in ends:
            end.close()
