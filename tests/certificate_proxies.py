"""Proxies that end TLS and pass the client certificate on in a header: one of the tests, and a real nginx."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from cryptography import x509

from ocpp_server.pki import parsing
from tests.servers import free_port
from tests.unit.pki.made import Made

HEADER = "X-SSL-Client-Cert"
# The address from which the proxies connect to the server, which trusts no other one.
ADDRESS = "127.0.0.2"
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME: the server checks the validity
_HEAD = 64 * 1024


@contextlib.contextmanager
def small_proxy(server: tuple[Path, Path], upstream: int, roots: list[Made]) -> Iterator[int]:
    """A proxy in a thread of its own, which passes on the certificates below these roots; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*server)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    context.load_verify_locations(cadata=parsing.pem_of(*(root.certificate for root in roots)))
    port, is_up, stops = free_port(), threading.Event(), threading.Event()
    connections: set[asyncio.Task[None]] = set()

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await _pass_on(reader, writer, upstream)
            writer.close()
        except asyncio.CancelledError:
            writer.transport.abort()  # `close` waits for the other end, and the event loop ends now
            raise
        finally:
            connections.discard(task)

    async def serve() -> None:
        async with await asyncio.start_server(passed_on, "127.0.0.1", port, ssl=context, limit=_HEAD):
            is_up.set()
            await asyncio.to_thread(stops.wait)
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert is_up.wait(10)
    yield port
    stops.set()
    thread.join()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: int) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    set_here = (HEADER.lower(), "x-forwarded-for", "x-forwarded-proto")
    kept = [line for line in head if line.partition(":")[0].lower() not in set_here]
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    if der:
        pem = parsing.pem_of(x509.load_der_x509_certificate(der))
        kept.append(f"{HEADER}: {quote(pem, safe='')}")
    kept += [f"X-Forwarded-For: {writer.get_extra_info('peername')[0]}", "X-Forwarded-Proto: https"]
    inner, outer = await asyncio.open_connection("127.0.0.1", upstream, local_addr=(ADDRESS, 0))
    outer.write("\r\n".join([*kept, "", ""]).encode("latin-1"))

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(_HEAD):
                target.write(data)
                await target.drain()
        target.close()

    try:
        await asyncio.gather(copy(reader, outer), copy(inner, writer))
    except asyncio.CancelledError:
        outer.transport.abort()
        raise


@contextlib.contextmanager
def nginx(folder: Path, server: tuple[Path, Path], upstream: int) -> Iterator[int]:
    """A real nginx with the configuration of docs/deployment.md; its port."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    assert program is not None, "install nginx (apt-get install nginx)"
    port = free_port()
    file = folder / "nginx.conf"
    file.write_text(
        f"""
        daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
        events {{ worker_connections 256; }}
        http {{
          access_log off;
          client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
          fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
          server {{
            listen 127.0.0.1:{port} ssl;
            ssl_certificate {server[0]}; ssl_certificate_key {server[1]};
            ssl_verify_client optional_no_ca;
            error_page 495 = @stations;
            proxy_bind {ADDRESS};
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header {HEADER} $ssl_client_escaped_cert;
            location / {{ proxy_pass http://127.0.0.1:{upstream}; }}
            location @stations {{ proxy_pass http://127.0.0.1:{upstream}; }}
          }}
        }}
        """
    )
    process = subprocess.Popen([program, "-c", str(file), "-p", str(folder)])  # noqa: S603 - found above
    deadline = time.monotonic() + 10
    while not (folder / "nginx.pid").exists():
        assert process.poll() is None and time.monotonic() < deadline, (folder / "error.log").read_text()
        time.sleep(0.05)  # poll: another process is starting
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


def escaped(made: Made) -> str:
    """A certificate as a header contains it."""
    return quote(parsing.pem_of(made.certificate), safe="")
