"""Firmware files: hosted, elsewhere, refused, deleted, and the log of downloads."""

from __future__ import annotations

from typing import Any

from tests.api.recorded.playing import OPERATOR, VIEWER, Player

FIRMWARE = "/api/v1/firmware"
FORM = "multipart/form-data; boundary=rec"


async def play(player: Player) -> None:
    ask = player.ask
    new = {"name": "Wall 11", "version": "1.4.0", "vendor": "Acme", "model": "Wall 11"}
    made = await ask("firmware: add a file", "POST", FIRMWARE, raw=_form(new, b"1.4.0"), Content_Type=FORM)
    one = f"{FIRMWARE}/{made['id']}"
    elsewhere = new | {"url": "ftps://user:secret@files.example.com/1.4.0.bin"}
    await ask("firmware: add an address", "POST", FIRMWARE, raw=_form(elsewhere), Content_Type=FORM)
    wrong: dict[str, tuple[dict[str, str], bytes | None]] = {
        "no file": (new, None),
        "no version": (new | {"version": ""}, b"x"),
        "empty": (new, b""),
        "another SHA-256": (new | {"sha256": "0" * 64}, b"x"),
        "no certificate": (new | {"signature": "AAAA"}, b"x"),
        "bad certificate": (new | {"signature": "AAAA", "signingCertificate": "x"}, b"x"),
        "bad address": (new | {"url": "gopher://example.com/"}, None),
        "unknown field": (new | {"colour": "red"}, b"x"),
    }
    for words, (fields, content) in wrong.items():
        await ask(f"firmware: {words}", "POST", FIRMWARE, raw=_form(fields, content), Content_Type=FORM)
    await ask("firmware: as JSON", "POST", FIRMWARE, new)
    await ask(
        "firmware: by an operator", "POST", FIRMWARE, raw=_form(new, b"x"), Content_Type=FORM, key=OPERATOR
    )
    await ask("firmware: list", "GET", f"{FIRMWARE}?vendor=Acme&search=1.4", key=VIEWER)
    await ask("firmware: get", "GET", one, key=VIEWER)
    await ask("firmware: unknown", "GET", f"{FIRMWARE}/999999")
    await ask("firmware: downloads", "GET", f"{FIRMWARE}/1/downloads?clientId=garage%201&isComplete=false")
    await ask("firmware: download", "GET", f"{FIRMWARE}/1/downloads/1", key=VIEWER)
    await ask("firmware: download of another file", "GET", f"{one}/downloads/1")
    await ask("firmware: delete", "DELETE", one)
    await ask("firmware: delete by an operator", "DELETE", f"{FIRMWARE}/1", key=OPERATOR)


def _form(fields: dict[str, Any], content: bytes | None = None) -> bytes:
    parts = [
        f'--rec\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    if content is not None:
        head = b'--rec\r\nContent-Disposition: form-data; name="file"; filename="fw 1.bin"\r\n\r\n'
        parts.append(head + content + b"\r\n")
    return b"".join(parts) + b"--rec--\r\n"
