"""An OCSP responder for the certificates of a lab PKI, over HTTP (RFC 6960, appendix A)."""

import asyncio
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from simulator import pki
from simulator.lab_pki import Authority, LabPki

_VALID = timedelta(hours=1)
_LONGEST_REQUEST = 4096
_TIMEOUT_S = 5.0
_STATUSES = {True: ocsp.OCSPCertStatus.REVOKED, False: ocsp.OCSPCertStatus.GOOD}


class Responder:
    """Answers POST requests about certificates of one lab; a certificate of another CA is unauthorized."""

    def __init__(self, lab: LabPki) -> None:
        self._lab = lab
        self._server: asyncio.Server | None = None

    async def start(self, *, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen, and return the port. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=_LONGEST_REQUEST)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                der = self.answer(await reader.readexactly(_length(head)))
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(der), der)
            )
            await writer.drain()
        except (OSError, ValueError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # the client gets no answer and tries again
        finally:
            writer.close()

    def answer(self, request: bytes) -> bytes:
        """Return the DER of the response to a request in DER."""
        try:
            asked = ocsp.load_der_ocsp_request(request)
        except ValueError:
            return _failed(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        algorithm = asked.hash_algorithm
        issuer = next((one for one in self._lab.authorities if _is_asked(asked, one)), None)
        if issuer is None:
            return _failed(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        now = datetime.now(UTC)
        is_revoked = asked.serial_number in self._lab.revoked
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=asked.issuer_name_hash,
            issuer_key_hash=asked.issuer_key_hash,
            serial_number=asked.serial_number,
            algorithm=algorithm,
            cert_status=_STATUSES[is_revoked],
            this_update=now - timedelta(minutes=1),
            next_update=now + _VALID,
            revocation_time=now - timedelta(minutes=1) if is_revoked else None,
            revocation_reason=None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, issuer.certificate)
        # A client that has the hash data alone finds the issuer in the response.
        builder = builder.certificates([issuer.certificate])
        return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def _is_asked(asked: ocsp.OCSPRequest, issuer: Authority) -> bool:
    """Whether the request is about a certificate of this CA."""
    algorithm = asked.hash_algorithm.name.upper()
    if algorithm not in pki.HASHES:
        return False
    data = pki.hash_data_of_issuer(issuer.certificate, algorithm)
    return data == (asked.issuer_name_hash.hex(), asked.issuer_key_hash.hex())


def _length(head: bytes) -> int:
    """The length of the body. Raises ValueError for another request than POST, or a long one."""
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(":", 1) for line in lines[1:] if ":" in line)
    length = int(headers.get("content-length", ""))
    if not lines[0].startswith("POST ") or not 0 < length <= _LONGEST_REQUEST:
        raise ValueError("not an OCSP request")
    return length


def _failed(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
