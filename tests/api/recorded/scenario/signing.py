"""CAs, signing requests and issued certificates, at a server without a signer: the requests wait."""

from __future__ import annotations

from tests.api.recorded.playing import OPERATOR, VIEWER, Player
from tests.conformance.peer import V16, V201, station

V1 = "/api/v1"
CERTIFICATES = f"{V1}/certificates"


async def play(player: Player) -> None:
    await _authorities(player)
    async with (
        station(player.server, V16, "REC-CA-16") as old,
        station(player.server, V201, "REC-CA-2") as new,
    ):
        for peer, version in ((old, "1.6"), (new, "2.0.1")):
            path = f"{V1}/chargepoints/{peer.identity}"
            for words, status in (("accepted", "Accepted"), ("refused", "Rejected")):
                await player.command(
                    peer,
                    f"{version} renew-certificate: {words}",
                    "POST",
                    f"{path}/renew-certificate",
                    {},
                    {"status": status},
                )
            send = f"{path}/send-certificate"
            await player.ask(
                f"{version} send-certificate: unknown", "POST", send, {"signingRequestId": 999999}
            )
        await player.ask("2.0.1 send-certificate: none", "POST", send, {})
        send = f"{V1}/chargepoints/{old.identity}/send-certificate"
        accepted = {"status": "Accepted"}
        await player.command(old, "1.6 send-certificate: accepted", "POST", send, {}, accepted)
        await player.ask(
            "renew-certificate: bad type",
            "POST",
            f"{V1}/chargepoints/{new.identity}/renew-certificate",
            {"certificateType": "server"},
        )
        await player.ask(
            "renew-certificate: 1.6 has no V2G",
            "POST",
            f"{V1}/chargepoints/{old.identity}/renew-certificate",
            {"certificateType": "V2GCertificate"},
        )
        await new.call("SignCertificate", {"csr": "no CSR"})
        await _requests(player)


async def _authorities(player: Player) -> None:
    ask = player.ask
    wishes = f"{CERTIFICATES}/authority-requests"
    authorities = f"{CERTIFICATES}/authorities"
    await ask("CAs: list", "GET", authorities, key=VIEWER)
    await ask("CA: get", "GET", f"{authorities}/2", key=VIEWER)
    await ask("CA: retire", "POST", f"{authorities}/2/retire", {})
    await ask("CA: activate", "POST", f"{authorities}/2/activate", {})
    await ask("CA: retire as an operator", "POST", f"{authorities}/2/retire", {}, key=OPERATOR)
    await ask("CA: unknown", "GET", f"{CERTIFICATES}/authorities/999999")
    made = await ask("CA request: create", "POST", wishes, {"organization": "Acme", "usage": "v2g"})
    await ask("CA request: by an operator", "POST", wishes, {"organization": "Acme"}, key=OPERATOR)
    await ask("CA request: no organization", "POST", wishes, {"organization": " "})
    await ask("CA request: bad usage", "POST", wishes, {"organization": "Acme", "usage": "web"})
    await ask("CA requests: list", "GET", f"{wishes}?state=waiting", key=VIEWER)
    await ask("CA request: get", "GET", f"{wishes}/{made['id']}", key=VIEWER)


async def _requests(player: Player) -> None:
    ask, path = player.ask, f"{CERTIFICATES}/signing-requests"
    found = await ask("signing requests: list", "GET", f"{path}?state=rejected", key=VIEWER)
    one = f"{path}/{found['signingRequests'][0]['id']}"
    await ask("signing request: get", "GET", one, key=VIEWER)
    await ask("signing request: approve a rejected one", "POST", f"{one}/approve", {})
    await ask("signing request: reject a rejected one", "POST", f"{one}/reject", {"reason": "No."})
    await ask("signing request: approve as an operator", "POST", f"{one}/approve", {}, key=OPERATOR)
    await ask("signing request: approve", "POST", f"{path}/1/approve", {})
    await ask("signing request: reject", "POST", f"{path}/2/reject", {"reason": "Not ours."})
    await ask("signing request: unknown", "POST", f"{path}/999999/approve", {})
    issued = f"{CERTIFICATES}/issued"
    await ask("issued certificates: none", "GET", f"{issued}?clientId=REC-CA-2", key=VIEWER)
    await ask("issued certificates: list", "GET", f"{issued}?expiresBefore=2999-01-01T00:00:00Z")
    await ask("issued certificate: get", "GET", f"{issued}/1", key=VIEWER)
    await ask("issued certificate: bad reason", "POST", f"{issued}/1/revoke", {"reason": "bored"})
    await ask("issued certificate: revoke", "POST", f"{issued}/1/revoke", {"reason": "keyCompromise"})
    await ask("issued certificate: revoke again", "POST", f"{issued}/1/revoke", {})
    await ask("issued certificate: unknown", "GET", f"{issued}/999999")
    await ask("issued certificate: revoke as an operator", "POST", f"{issued}/1/revoke", {}, key=OPERATOR)
