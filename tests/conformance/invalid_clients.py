"""A process with two invalid clients, one that floods and one that does not read: `python -m ... PORT`.

The line "on" on stdin connects them and starts the traffic, "off" disconnects them; the process answers each
line with the same word.
"""

from __future__ import annotations

import asyncio
import sys

from bench.wire import StationSocket

PER_SECOND = 1000
EVERY_S = 0.01
# The bytes that may wait in the send buffer of this process while the server does not read.
WAITING = 64 * 1024


class InvalidClient:
    def __init__(self, name: str, *, reads: bool) -> None:
        self._name = name
        self._reads = reads
        self._socket: StationSocket | None = None
        self._sending: asyncio.Task[None] | None = None

    async def connect(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        opened = loop.create_future()

        def lost(reason: str) -> None:
            if not opened.done():
                opened.set_exception(ConnectionError(reason))

        _, self._socket = await loop.create_connection(
            lambda: StationSocket(
                f"/ocpp/{self._name}",
                "ocpp1.6",
                opened=lambda: opened.set_result(None),
                received=lambda text: None,
                lost=lost,
            ),
            "127.0.0.1",
            port,
        )
        await opened
        if not self._reads:
            self._socket.transport.pause_reading()
        self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        assert self._socket is not None
        number = 0
        self._socket.send(b'[2,"boot","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]')
        while not self._socket.transport.is_closing():
            if self._socket.transport.get_write_buffer_size() < WAITING:
                for _ in range(int(PER_SECOND * EVERY_S)):
                    number += 1
                    self._socket.send(b'[2,"%d","Heartbeat",{}]' % number)
            await asyncio.sleep(EVERY_S)

    def disconnect(self) -> None:
        if self._sending is not None and self._socket is not None:
            self._sending.cancel()
            self._socket.transport.abort()


async def _main(port: int) -> None:
    invalid_clients = [InvalidClient("FLOOD", reads=True), InvalidClient("DEAF", reads=False)]
    loop = asyncio.get_running_loop()
    while word := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        for client in invalid_clients:
            if word == "on":
                await client.connect(port)
            else:
                client.disconnect()
        print(word, flush=True)
    for client in invalid_clients:
        client.disconnect()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
