"""How a station opens its socket, and in words why it could not."""

import base64
import errno
import socket
import ssl
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

CLOSING_S = 10.0  # real seconds the closing handshake may take
NOBODY = "nothing listens there"
CONNECT_ERRORS = (OSError, InvalidHandshake, TimeoutError, EOFError)

_REFUSALS = {
    401: "it wants another password of the station, or one at all",
    403: "it lets no such client in",
    404: "it knows no such station or path, and takes in no unknown stations",
    429: "it was asked too often",
    503: "it can't take stations now",
}


class SubprotocolError(ConnectionError):
    """The server completed the handshake without agreeing to our subprotocol."""


def address(url: str, identity: str) -> str:
    """Where a station connects to: the endpoint, then its identity, whatever characters that has."""
    return f"{url.rstrip('/')}/{quote(identity, safe='')}"


async def open_socket(
    url: str,
    identity: str,
    subprotocol: str,
    *,
    password: str | bytes | None,
    open_timeout_s: float,
    ping_interval_s: float | None,
    tls: ssl.SSLContext | None,
) -> ClientConnection:
    """Connect and agree on the subprotocol. ``tls`` None: a wss server is checked as any program does it.

    Raises one of CONNECT_ERRORS, and InvalidURI.
    """
    headers = {}
    if password is not None:
        secret = password if isinstance(password, bytes) else password.encode()
        headers["Authorization"] = "Basic " + base64.b64encode(identity.encode() + b":" + secret).decode()
    connection = await connect(
        address(url, identity),
        subprotocols=[Subprotocol(subprotocol)],
        additional_headers=headers,
        compression=None,
        open_timeout=open_timeout_s,
        close_timeout=CLOSING_S,
        ping_interval=ping_interval_s,
        max_size=2**22,
        proxy=None,
        ssl=(tls or True) if url.startswith("wss:") else None,
    )
    if connection.subprotocol is None:
        await connection.close()
        raise SubprotocolError(f"the server did not agree to {subprotocol}")
    return connection


def reason(failure: BaseException | None) -> str:
    """Why there is no connection, for people; ``failure`` is what :func:`open_socket` raised."""
    match failure:
        case None:
            return "the time was over before the server had answered the handshake"
        case InvalidStatus():
            status = failure.response.status_code
            meaning = _REFUSALS.get(status, failure.response.reason_phrase)
            return f"the server refused with HTTP {status}: {meaning}"
        case InvalidMessage() | EOFError():
            return "what answers there is no WebSocket server, or it wants TLS (wss://)"
        case InvalidURI():
            return f"{failure.uri} is no address of a WebSocket server"
        case TimeoutError():
            return "the server did not answer the handshake in time"
        case ssl.SSLError():
            return f"no TLS connection ({failure.reason or failure})"
        case socket.gaierror():
            return "no machine has this name"
        case ConnectionRefusedError():
            return NOBODY
        case OSError() if f"[Errno {errno.ECONNREFUSED}]" in str(failure):
            # A name with several addresses (localhost: ::1 and 127.0.0.1) fails as one error that quotes all.
            return NOBODY
        case _:
            return str(failure) or type(failure).__name__
