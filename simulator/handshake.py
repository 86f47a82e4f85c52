"""Open the socket of a station, and describe why it could not be opened."""

import base64
import errno
import socket
import ssl
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

CLOSING_S = 10.0  # real seconds the closing handshake may take
NOT_LISTENING = "nothing listens at this address"
CONNECT_ERRORS = (OSError, InvalidHandshake, TimeoutError, EOFError)

_REFUSALS = {
    401: "the password is missing or wrong",
    403: "this client is not allowed",
    404: "the station or path is unknown, and unknown stations are refused",
    429: "too many requests",
    503: "not available now",
}


class SubprotocolError(ConnectionError):
    """The server completed the handshake without the requested subprotocol."""


def address(url: str, identity: str) -> str:
    """Return the URL of a station: the endpoint and the percent-encoded identity."""
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
    """Connect with the subprotocol. With ``tls`` None a wss server is verified by the system's certificates.

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
    """Describe why there is no connection; ``failure`` was raised by :func:`open_socket`."""
    match failure:
        case None:
            return "the run ended before the server answered the handshake"
        case InvalidStatus():
            status = failure.response.status_code
            meaning = _REFUSALS.get(status, failure.response.reason_phrase)
            return f"the server refused with HTTP {status}: {meaning}"
        case InvalidMessage() | EOFError():
            return "not a WebSocket server, or it requires TLS (wss://)"
        case InvalidURI():
            return f"{failure.uri} is not a valid WebSocket URL"
        case TimeoutError():
            return "the server did not answer the handshake in time"
        case ssl.SSLError():
            return f"the TLS connection failed ({failure.reason or failure})"
        case socket.gaierror():
            return "the host name cannot be resolved"
        case ConnectionRefusedError():
            return NOT_LISTENING
        case OSError() if f"[Errno {errno.ECONNREFUSED}]" in str(failure):
            # A host name with several addresses (localhost: ::1 and 127.0.0.1) raises one error that quotes
            # them all.
            return NOT_LISTENING
        case _:
            return str(failure) or type(failure).__name__
