"""The port on which stations need a client certificate (TLS_CLIENT_PORT, security profile 3).

Python's `ssl` ends a bad handshake before there is a URL, and uvicorn never learns of it. So this gate
accepts the connections itself: it runs the TLS handshake, shows a failed one to the operator, and hands a
good one to uvicorn's protocol, with the client's certificates in the state of the ASGI scope.

OpenSSL checks the chain against the trusted roots of the database. A changed root needs no restart, and
neither does a renewed certificate of the server. Names, organization and revocation are checked later, when
the URL is known, by the port `ClientCertificates`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Final, NamedTuple, cast

import structlog

from ocpp_server.bounds import per_address
from ocpp_server.observability import measures
from ocpp_server.process import tls
from ocpp_server.protocol.dispatch import StorageUnavailable
from ocpp_server.storage.journal import journal
from ocpp_server.transport.handshake import client_certificates, tls_refusals

log = structlog.get_logger(__name__)

# Seconds for a TLS handshake.
HANDSHAKE_S: Final = 15.0
# The handshakes that this process runs at once; further connections wait in the kernel. An address beyond
# its own limit is closed at once.
MAX_HANDSHAKES: Final = 2_000
MAX_OF_ADDRESS: Final = 500
# Roots and files are compared at most this often. A handshake waits for that at most WAIT_S.
CHECK_EVERY_S: Final = 2.0
WAIT_S: Final = 1.0
_RETRY_S: Final = 0.5
_HANDSHAKE, _CERTIFICATE = 22, 11


class _Seen:
    """The messages that the client of one handshake has sent, as far as they matter here."""

    __slots__ = ("certificates", "has_spoken")

    def __init__(self) -> None:
        self.has_spoken = False
        self.certificates: tuple[bytes, ...] = ()


# The handshake of the current task. uvloop reads a socket in the context of the task that has opened it.
_seen: ContextVar[_Seen | None] = ContextVar("handshake", default=None)


def _message(connection: object, direction: str, *rest: Any) -> None:
    """Note the client's certificates: OpenSSL forgets those that it refuses. TLS 1.3 encrypts them."""
    seen = _seen.get()
    if seen is None or direction != "read":
        return
    seen.has_spoken = True
    _version, content, message, data = rest
    if content == _HANDSHAKE and message == _CERTIFICATE:
        seen.certificates = tls_refusals.certificates_in(data)


class Contexts(NamedTuple):
    """The context of a handshake, whose messages are watched, and that of the connection after it."""

    watched: ssl.SSLContext
    quiet: ssl.SSLContext


class ClientContexts:
    """The newest contexts of the port, by the trusted roots and the certificates of the server."""

    def __init__(self, given: Sequence[tls.Pair]) -> None:
        self._pairs = given
        self._made_of: object = None
        self._contexts: Contexts | None = None
        self._checked_at = float("-inf")
        self._checking: asyncio.Task[None] | None = None

    async def current(self) -> Contexts:
        """The contexts. Raises StorageUnavailable until the roots were read once."""
        loop = asyncio.get_running_loop()
        if self._checking is None and loop.time() - self._checked_at >= CHECK_EVERY_S:
            self._checking = loop.create_task(self._check())
        if self._checking is not None:
            # While the database is away, the roots of before are used.
            await asyncio.wait({self._checking}, timeout=None if self._contexts is None else WAIT_S)
        if self._contexts is None:
            raise StorageUnavailable("The trusted roots have not been read yet.")
        return self._contexts

    async def _check(self) -> None:
        try:
            roots = await journal.run(client_certificates.port.app.roots)
            made_of = (roots, tls.stamp(self._pairs))
            if made_of != self._made_of:
                self._contexts = self._make(roots)
                self._made_of = made_of
                log.info("tls.client_roots", roots=roots.count("BEGIN CERTIFICATE"))
        except StorageUnavailable:
            log.warning("tls.client_roots_unread")
        except (OSError, ValueError) as error:
            log.error("tls.client_roots_unused", reason=str(error))
        finally:
            self._checked_at = asyncio.get_running_loop().time()
            self._checking = None

    def _make(self, roots: str) -> Contexts:
        watched, quiet = (tls.client_context(self._pairs, roots) for _ in range(2))
        watched._msg_callback = _message  # type: ignore[attr-defined]
        return Contexts(watched, quiet)


class TlsGate:
    """Belongs to one event loop. `make` makes uvicorn's protocol for a connection; see `admitting`."""

    def __init__(self, contexts: ClientContexts, make: Callable[[], asyncio.Protocol]) -> None:
        self._contexts = contexts
        self._make = make
        self._slots = asyncio.Semaphore(MAX_HANDSHAKES)
        self._of_address = per_address.AddressCounters()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, listeners: Sequence[socket.socket]) -> None:
        for listener in listeners:
            listener.setblocking(False)
            self._begin(self._accept(listener))

    async def stop(self) -> None:
        """Accept nothing more, and end the handshakes that are not done."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._slots.acquire()
            try:
                connection, address = await loop.sock_accept(listener)
            except OSError as error:  # too many open files, or a client that has left already
                self._slots.release()
                log.warning("tls.not_accepted", error=str(error))
                await asyncio.sleep(_RETRY_S)
                continue
            except BaseException:
                self._slots.release()
                raise
            self._begin(self._handshake(connection, str(address[0])))

    async def _handshake(self, connection: socket.socket, address: str) -> None:
        peer = per_address.peer_of(address)
        slot = per_address.Slot(self._of_address, peer) if peer else None
        try:
            if peer and self._of_address.count(peer) > MAX_OF_ADDRESS:
                measures.handshakes.add("tls-limit")
                connection.close()
            else:
                await self._secure(connection, address)
        finally:
            if slot is not None:
                slot.free()
            self._slots.release()

    async def _secure(self, connection: socket.socket, address: str) -> None:
        seen = _Seen()
        _seen.set(seen)
        try:
            contexts = await self._contexts.current()
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                self._make, connection, ssl=contexts.watched, ssl_handshake_timeout=HANDSHAKE_S
            )
            # The messages of the connection are not watched: each record would cost a call.
            transport.get_extra_info("ssl_object").context = contexts.quiet
        except StorageUnavailable:
            measures.handshakes.add("503")
            connection.close()
        except OSError as error:  # SSLError too
            connection.close()
            # A load balancer that checks the port sends nothing.
            if seen.has_spoken:
                await tls_refusals.record(address, error, seen.certificates)
        except BaseException:
            connection.close()
            raise


def admitting(protocol: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
    """uvicorn's protocol with the client's certificates in the state of its ASGI scopes."""

    class WithCertificates(protocol):  # type: ignore[valid-type, misc]
        app_state: dict[str, Any]

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            chain = _chain(transport.get_extra_info("ssl_object"))
            self.app_state = {**self.app_state, client_certificates.STATE: chain}
            super().connection_made(transport)

    return WithCertificates


def _chain(secure: Any) -> tuple[bytes, ...]:
    """The certificates that the client has presented, in DER; its own one is the first."""
    if hasattr(secure, "get_unverified_chain"):  # Python 3.13
        return tuple(secure.get_unverified_chain())
    # Python 3.11 and 3.12 have the same function in the object of C alone.
    found = secure._sslobj.get_unverified_chain() or ()
    return tuple(cast("bytes", one.public_bytes(_DER)) for one in found)


# `_ssl.ENCODING_DER`
_DER: Final = 2
