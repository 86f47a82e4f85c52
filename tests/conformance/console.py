"""The admin as an administrator's browser sees it, and payloads that carry secrets."""

from __future__ import annotations

import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from tests.conformance.peer import Records
from tests.servers import LiveServer

SECRET = "k-9f27c1d4-of-vpn"


class Console:
    """The browser of a signed-in administrator."""

    def __init__(self, server: LiveServer) -> None:
        self._root = f"http://127.0.0.1:{server.port}"
        self._cookies = http.cookiejar.CookieJar()
        handlers = (urllib.request.HTTPCookieProcessor(self._cookies), urllib.request.ProxyHandler({}))
        self._browser = urllib.request.build_opener(*handlers)
        self.get("/admin/login/")
        self.post("/admin/login/", username="admin", password="operator-password-of-tests")

    def get(self, path: str) -> str:
        with self._browser.open(self._root + path, timeout=60) as answer:
            return str(answer.read().decode())

    def post(
        self, path: str, *, accept: str = "application/json", **fields: str | list[str]
    ) -> tuple[int, str]:
        token = next(cookie.value for cookie in self._cookies if cookie.name.endswith("csrftoken"))
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": token or "", **fields}, doseq=True).encode()
        request = urllib.request.Request(self._root + path, data, {"Accept": accept})
        try:
            with self._browser.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def evidence(self, identity: str, server: LiveServer) -> str:
        """The text of every page that shows the messages of a station."""
        records = Records(server.database)
        pages = []
        for table in ("command", "message", "deviation", "deviceevent", "securityevent"):
            for row in records.of(f"chargepoints_{table}", identity):
                key = urllib.parse.quote(str(row["id"]), safe="").replace("-", "_2D")
                pages.append(self.get(f"/admin/chargepoints/{table}/{key}/change/"))
        return "".join(pages)


def network_profile(version: str) -> dict[str, Any]:
    return {
        "configurationSlot": 1,
        "connectionData": {
            "ocppVersion": "OCPP20",
            "ocppInterface": "Wireless0",
            "ocppTransport": "JSON",
            "messageTimeout": 30,
            "securityProfile": 1,
            "ocppCsmsUrl": f"wss://user:{SECRET}@example.com/ocpp",
            "vpn": {
                "server": "vpn.example.com",
                "user": "u",
                "password": SECRET,
                "key": SECRET,
                "type": "IKEv2",
            },
            "apn": {"apn": "a", "apnPassword": SECRET, "simPin": 1234, "apnAuthentication": "PAP"},
        },
    }
