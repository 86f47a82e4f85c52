"""A server of one firmware file for simulated stations, which can fail, and the signature of the file."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

CONTENT: Final = bytes(range(256)) * 1000


class FileServer:
    """Serves CONTENT at any path; `ranges` are the Range headers of its requests."""

    def __init__(self) -> None:
        self.ranges: list[str] = []
        self.url = ""
        self.status = 200
        self.refused = 0  # so many requests are answered with 503
        self.takes_ranges = True

    async def answer(self, reader: Any, writer: Any) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        found = re.search(r"Range: bytes=(\d+)-", head)
        self.ranges.append(found[1] if found else "")
        begin = int(found[1]) if found and self.takes_ranges else 0
        status = 206 if begin else self.status
        body = CONTENT[begin:]
        if len(self.ranges) <= self.refused:
            status, body = 503, b""
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        writer.close()


@asynccontextmanager
async def file_server() -> AsyncIterator[FileServer]:
    found = FileServer()
    server = await asyncio.start_server(found.answer, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/2.0.bin"
    yield found
    server.close()


def signed(content: bytes = CONTENT) -> tuple[str, str]:
    """A signature over this file in base64, and the certificate of its key in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "signer")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    return base64.b64encode(key.sign(content, ec.ECDSA(hashes.SHA256()))).decode(), pem
