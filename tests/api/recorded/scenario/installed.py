"""Trusted roots, and the certificates of a connected station."""

from __future__ import annotations

from ocpp_server.pki import hash_data, parsing
from tests.api.recorded.playing import OPERATOR, VIEWER, Player
from tests.conformance.peer import V201, Peer, station

V1 = "/api/v1"
ROOTS = f"{V1}/certificates/roots"
# A fixed one, because its fingerprint is part of the recording.
ROOT = """-----BEGIN CERTIFICATE-----
MIIBoTCCAUegAwIBAgICAy8wCgYIKoZIzj0EAwIwJjEMMAoGA1UECgwDQ1BPMRYw
FAYDVQQDDA1SZWNvcmRlZCBSb290MCAXDTI2MTEzMDExMzgwMFoYDzIxMjYxMTA2
MTEzODAwWjAmMQwwCgYDVQQKDANDUE8xFjAUBgNVBAMMDVJlY29yZGVkIFJvb3Qw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATYBOFYC5dQCpsbE0YiT2wXlNz0bbFb
FL7+5hY6M9Au4ENd0B7gunQlOUhxZpbRuMRqPaefKefABQsAEskWCUrlo2MwYTAd
BgNVHQ4EFgQUVWqCJOzjtquf4dZeZEbzXB18ZdwwHwYDVR0jBBgwFoAUVWqCJOzj
tquf4dZeZEbzXB18ZdwwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYw
CgYIKoZIzj0EAwIDSAAwRQIhALlGtYEtb0qZdy9Rj4E4Rf8jmMyOW1JBPPilE1aT
9RuWAiB5OJp8HDhr86+6hSLXjF9LL2B3tlXOdGDdBYw9kLQ65g==
-----END CERTIFICATE-----
"""
CSMS = "CSMSRootCertificate"
ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}


async def play(player: Player) -> None:
    made = await roots(player)
    await sets(player, made)
    async with station(player.server, V201, "REC-CERTIFICATES") as peer:
        await of_a_station(player, peer, made)


async def roots(player: Player) -> int:
    """The number of a root that stays."""
    ask, body = player.ask, {"kind": "csms", "certificate": ROOT}
    kept = await ask("roots: add", "POST", ROOTS, body)
    await ask("roots: add again", "POST", ROOTS, body)
    await ask("roots: no certificate", "POST", ROOTS, {"kind": "csms", "certificate": "x"})
    await ask("roots: by an operator", "POST", ROOTS, body, key=OPERATOR)
    other = await ask("roots: of vehicles", "POST", ROOTS, {**body, "kind": "v2g", "name": "Vehicles"})
    one = f"{ROOTS}/{other['id']}"
    await ask("roots: list", "GET", f"{ROOTS}?kind=v2g&isEnabled=true", key=VIEWER)
    await ask("roots: get", "GET", one, key=VIEWER)
    await ask("roots: plan", "GET", f"{ROOTS}/{kept['id']}/rotation", key=VIEWER)
    await ask("roots: plan of vehicles", "GET", f"{one}/rotation", key=VIEWER)
    await ask("roots: disable", "PATCH", one, {"isEnabled": False})
    await ask("roots: delete", "DELETE", one)
    await ask("certificates: first to end", "GET", f"{V1}/certificates/expiring?kind=root", only_status=True)
    return int(kept["id"])


async def sets(player: Player, root: int) -> None:
    ask, path = player.ask, f"{V1}/certificates/root-sets"
    made = await ask("root sets: create", "POST", path, {"name": "Yard", "rootIds": [root]})
    one = f"{path}/{made['id']}"
    await ask("root sets: same name", "POST", path, {"name": "Yard", "rootIds": [root]})
    await ask("root sets: unknown root", "POST", path, {"name": "B", "rootIds": [999_999]})
    await ask("root sets: vendor alone", "POST", path, {"name": "B", "rootIds": [root], "vendor": "V"})
    await ask("root sets: by an operator", "POST", path, {"name": "B", "rootIds": [root]}, key=OPERATOR)
    await ask("root sets: list", "GET", f"{path}?isEnabled=true", key=VIEWER)
    await ask("root sets: get", "GET", one, key=VIEWER)
    await ask("root sets: change", "PATCH", one, {"model": "Wall 11", "vendor": "Acme"})
    await ask("root sets: coverage", "GET", f"{one}/coverage", key=VIEWER)
    await ask("root sets: stations", "GET", f"{one}/lacking-stations?rootId={root}", key=VIEWER)
    await ask("root sets: of a station", "GET", f"{V1}/chargepoints/GARAGE%201/wanted-roots", key=VIEWER)
    await ask("root sets: delete", "DELETE", one)


async def of_a_station(player: Player, peer: Peer, root: int) -> None:
    base = f"{V1}/chargepoints/{peer.identity}"
    read = parsing.certificate(ROOT, field="certificate")
    chain = {"certificateType": CSMS, "certificateHashData": hash_data.of(read, read).wire()}
    path = f"{base}/get-installed-certificate-ids"
    answer = {"status": "Accepted", "certificateHashDataChain": [chain]}
    body = {"certificateTypes": [CSMS]}
    await player.command(peer, "get-installed-certificate-ids", "POST", path, body, answer)
    await player.ask("get-installed-certificate-ids: no type", "POST", path, {"certificateTypes": ["x"]})
    shown = await player.ask("certificates of a station", "GET", f"{base}/certificates?isCurrent=true")
    path = f"{base}/install-certificate"
    await player.command(peer, "install-certificate: rejected", "POST", path, {"rootId": root}, REJECTED)
    await player.ask("install-certificate: no root", "POST", path, {"rootId": 999_999})
    path, number = f"{base}/delete-certificate", shown["certificates"][0]["id"]
    await player.ask("delete-certificate: unknown", "POST", path, {"certificateId": 999_999})
    await player.command(
        peer, "delete-certificate: failed", "POST", path, {"certificateId": number}, {"status": "Failed"}
    )
    # The accepted ones last: the server asks for the list then, at its own time.
    await player.command(
        peer, "delete-certificate: accepted", "POST", path, {"certificateId": number}, ACCEPTED
    )
    again = {"status": "NotFound"}
    call = await peer.next_call()
    await peer.answer(call, again)
    path = f"{base}/install-certificate"
    await player.command(peer, "install-certificate: accepted", "POST", path, {"rootId": root}, ACCEPTED)
