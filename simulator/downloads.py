"""The download of a firmware over HTTP as a station does it: after a break it asks for the rest (Range)."""

import asyncio
import base64
import binascii
import hashlib
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from simulator.uploads import TIMEOUT_S, connect, login_header

_PART = 64 * 1024
_WHOLE, _PARTIAL, _SERVER_ERROR = 200, 206, 500


class DownloadFailed(Exception):  # noqa: N818 - named for the status that the station sends
    """The file did not arrive: `str(error)` is the reason."""


class _Broken(Exception):  # noqa: N818 - named for what happens
    """The connection broke before the end of the file."""


@dataclass(frozen=True)
class Downloaded:
    """A downloaded file: its size in bytes, and its SHA-256."""

    size: int
    digest: bytes


class _File:
    """The part of a file that has arrived. The bytes are not kept."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.size = 0
        self.hash = hashlib.sha256()

    def add(self, part: bytes) -> None:
        self.size += len(part)
        self.hash.update(part)


async def download(
    url: str,
    *,
    tls: ssl.SSLContext | None = None,
    attempts: int = 3,
    pause_s: float = 0.0,
    breaks: int = 0,
) -> Downloaded:
    """Download a file, with `pause_s` real seconds between two attempts. The first `breaks` connections are
    cut half-way. A server that can't answer now (5xx) is asked again. Raises DownloadFailed.
    """
    file, reason = _File(), "no attempt"
    for attempt in range(attempts):
        if attempt:
            await asyncio.sleep(pause_s)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await _fetch(urlsplit(url), file, tls, is_cut=attempt < breaks)
            return Downloaded(file.size, file.hash.digest())
        except _Broken as error:
            reason = str(error)
        except (OSError, ValueError, EOFError, asyncio.LimitOverrunError) as error:
            reason = str(error) or type(error).__name__
    raise DownloadFailed(reason)


async def _fetch(parts: SplitResult, file: _File, tls: ssl.SSLContext | None, *, is_cut: bool) -> None:
    reader, writer = await connect(parts, tls)
    try:
        writer.write(_head(parts, file.size))
        status, headers = await _answer(reader)
        if file.size and status == _WHOLE:
            file.clear()  # the server can't send a part
        elif status >= _SERVER_ERROR:
            raise _Broken(f"the answer was {status}")
        elif status != (_PARTIAL if file.size else _WHOLE):
            raise DownloadFailed(f"the answer was {status}")
        length = int(headers.get("content-length", ""))
        wanted = length // 2 if is_cut else length
        while wanted:
            part = await reader.read(min(_PART, wanted))
            if not part:
                raise _Broken("the connection ended")
            file.add(part)
            wanted -= len(part)
        if is_cut:
            raise _Broken("the station cut the connection")
    finally:
        writer.close()


def _head(parts: SplitResult, begin: int) -> bytes:
    lines = [
        f"GET {parts.path or '/'}{'?' if parts.query else ''}{parts.query} HTTP/1.1",
        f"Host: {parts.netloc.rpartition('@')[2]}",
        "Connection: close",
    ]
    if begin:
        lines.append(f"Range: bytes={begin}-")
    if parts.username:
        lines.append(login_header(parts))
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """The status of an answer, and its headers by their names in lower case."""
    status = int((await reader.readuntil(b"\r\n")).split()[1])
    headers = {}
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return status, headers


def is_signed(file: Downloaded, signature: str, certificate: str) -> bool:
    """Whether the signature, in base64, belongs to the file and to the certificate in PEM."""
    try:
        key: Any = x509.load_pem_x509_certificate(certificate.encode()).public_key()
        raw = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        return False
    digest = Prehashed(hashes.SHA256())
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.AUTO)
    ways: list[tuple[Any, ...]] = []
    if isinstance(key, ec.EllipticCurvePublicKey):
        ways = [(ec.ECDSA(digest),)]
    elif isinstance(key, rsa.RSAPublicKey):
        ways = [(pss, digest), (padding.PKCS1v15(), digest)]
    return any(_verifies(key, raw, file.digest, way) for way in ways)


def _verifies(key: Any, signature: bytes, digest: bytes, way: tuple[Any, ...]) -> bool:
    try:
        key.verify(signature, digest, *way)
    except InvalidSignature:
        return False
    return True
