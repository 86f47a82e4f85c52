"""uvicorn's server with what this project adds: the port of client certificates, the demo and the drain."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn

from ocpp_server.process import tls
from ocpp_server.transport import shutdown

if TYPE_CHECKING:
    from ocpp_server.process.tls_gate import TlsGate

# The seconds in which the simulator of the demo has to end.
DEMO_STOP_S = 10


class Server(uvicorn.Server):
    """uvicorn's server. Once it listens, it prints the banner, calls `listening` and starts the demo."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        banner: str,
        demo: list[str] | None = None,
        listening: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(config)
        self.gate: TlsGate | None = None
        self.banner = banner
        self.listening = listening
        self.demo_command = demo
        self.demo: subprocess.Popen[bytes] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # Imported here, because importing the settings raises SettingError for a wrong environment variable.
        from ocpp_server import settings as configured

        client_port = configured.ENVIRONMENT["TLS_CLIENT_PORT"]
        of_clients = [one for one in sockets or () if one.getsockname()[1] == client_port]
        rest = None if sockets is None else [one for one in sockets if one not in of_clients]
        await super().startup(sockets=rest)
        if not self.started:
            return
        if of_clients:
            self.gate = self._gate(tls.pairs(configured.ENVIRONMENT))
            self.gate.start(of_clients)
        if self.banner:
            print(self.banner, flush=True)
        if self.listening is not None:
            self.listening()
        if self.demo_command:
            # In a session of its own: Ctrl-C reaches only this process, which ends the simulator. When this
            # process is killed, the simulator notices it and ends.
            command = [*self.demo_command, "--with-parent", str(os.getpid())]
            self.demo = subprocess.Popen(  # noqa: S603 - this project's own command
                command, stdout=subprocess.DEVNULL, start_new_session=True
            )

    def _gate(self, pairs: list[tls.Pair]) -> TlsGate:
        # Imported here, because it reads Django's settings.
        from ocpp_server.process.tls_gate import ClientContexts, TlsGate, admitting

        made: Any = admitting(self.config.http_protocol_class)
        state = self.lifespan.state

        def protocol() -> asyncio.Protocol:
            given: asyncio.Protocol = made(
                config=self.config, server_state=self.server_state, app_state=state
            )
            return given

        return TlsGate(ClientContexts(pairs), protocol)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            self.force_exit = True
            shutdown.end_now()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.demo is not None and self.demo.poll() is None:
            self.demo.send_signal(signal.SIGINT)
        # Drain before uvicorn closes the port: meanwhile new clients are answered with "retry later", and
        # probes report the shutdown.
        await shutdown.drain()
        if self.gate is not None:
            await self.gate.stop()
        self.config.timeout_graceful_shutdown = round(shutdown.remaining() + 0.5)
        await super().shutdown(sockets=sockets)

    def end_demo(self) -> None:
        if self.demo is None:
            return
        try:
            self.demo.wait(DEMO_STOP_S)
        except subprocess.TimeoutExpired:
            self.demo.kill()
            self.demo.wait()
