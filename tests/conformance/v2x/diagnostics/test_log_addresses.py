"""Addresses of logs over HTTPS; the cases have the numbers of the certification."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.conformance.peer import V21, Operator, Records, station
from tests.conformance.uploading import ask, shown, upload


async def test_TC_N_103_an_address_over_https_has_a_login_that_the_upload_needs(make_server):
    """A proxy before the server has the certificate, as UPLOAD_URL says."""
    server = make_server(UPLOAD_URL="https://logs.example.com")
    operator = Operator(server)
    async with station(server, V21) as peer:
        asked = await ask(operator, peer, "get-log", {"status": "Accepted"}, withLogin=True)
        behind = asked.url.replace("https://", "http://").replace(
            "logs.example.com", f"127.0.0.1:{server.port}"
        )
        status = {"status": "Uploading", "requestId": asked.id}
        assert await peer.call("LogStatusNotification", status) == {}
        without = await upload(behind, b"log", method="POST")
        accepted = await upload(behind, b"log", method="POST", with_login=True)
        status["status"] = "Uploaded"
        assert await peer.call("LogStatusNotification", status) == {}
        row = await shown(operator, peer, asked.id)

    assert (asked.action, asked.payload["logType"]) == ("GetLog", "DiagnosticsLog")
    assert asked.payload["requestId"] == asked.id
    parts = urlsplit(asked.payload["log"]["remoteLocation"])
    assert (parts.scheme, parts.hostname) == ("https", "logs.example.com")
    assert parts.username and parts.password
    assert (parts.query, parts.fragment) == ("", "")
    assert (without.status, accepted.status, row["state"]) == (401, 200, "received")
    (kept,) = Records(server.database).of("chargepoints_logupload", peer.identity)
    assert (kept["id"], kept["state"], kept["size"]) == (asked.id, "received", 3)
    assert kept["login_hash"]
    assert parts.password not in kept.values()
