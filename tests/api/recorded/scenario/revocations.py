"""Revoked certificates and revocation lists of other CAs."""

from __future__ import annotations

from tests.api.recorded.playing import OPERATOR, VIEWER, Player

V1 = "/api/v1/certificates"
# Fixed ones, because their fingerprints and numbers are part of the recording.
ROOT = """-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUcWbAATkV/GknlZC2Ru1IS3hSVAgwCgYIKoZIzj0EAwIw
KTEOMAwGA1UECgwFTWFrZXIxFzAVBgNVBAMMDlJlY29yZGVkIG1ha2VyMCAXDTI2
MTEyOTEyMDYyMloYDzIxMjYxMTA2MTIwNjIyWjApMQ4wDAYDVQQKDAVNYWtlcjEX
MBUGA1UEAwwOUmVjb3JkZWQgbWFrZXIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQ10Y1ZCA1/FFAjqVP58VyLLT1sd7tYL2/gFLa4jdxrZ9RPSGAKlREMLsNc0NYQ
RGqulj0CrRMRk60AxH4Ssds7oyMwITAOBgNVHQ8BAf8EBAMCAQYwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA1udpUuMbxPU8PKE+MC/U6sd5D17b
YDcc7vgtXN7aAqUCIEQlD7MF53piLdDyHL2hGDS8z8mTm5qGhFvTPMPUJnmf
-----END CERTIFICATE-----
"""
LEAF = """-----BEGIN CERTIFICATE-----
MIIBYDCCAQagAwIBAgIUJo9mMW3vy+vngVRtJdUwwB83j64wCgYIKoZIzj0EAwIw
KTEOMAwGA1UECgwFTWFrZXIxFzAVBgNVBAMMDlJlY29yZGVkIG1ha2VyMCAXDTI2
MTEyOTEyMDYyMloYDzIxMjYwNzI5MTIwNjIyWjAhMQ4wDAYDVQQKDAVNYWtlcjEP
MA0GA1UEAwwGU04tUkVDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEMj6g/ERh
92vPHJWgrGjpU7V+c6bPxWALOJ9grY1cN/QrBJKhx3ptF/D9xbbhjH3mmKzn38aH
FBm7AQiT8V5iYaMSMBAwDgYDVR0PAQH/BAQDAgeAMAoGCCqGSM49BAMCA0gAMEUC
IQD0806LWyEjlB0jH3I/mS6wTOV6WCVbGkyEwRo2wd8DGAIgRHyzWm0TaNx8/8pX
Ig8vIWY8BIgK0554uDO3g7VL5w8=
-----END CERTIFICATE-----
"""
CRL = """-----BEGIN X509 CRL-----
MIHKMHECAQEwCgYIKoZIzj0EAwIwKTEOMAwGA1UECgwFTWFrZXIxFzAVBgNVBAMM
DlJlY29yZGVkIG1ha2VyFw0yNjExMjkxMjA2MjJaGA8yMTI1MDYyMzEyMDYyMlow
FTATAgI/oRcNMjYxMTI5MTIwNjIyWjAKBggqhkjOPQQDAgNJADBGAiEA6Qdu6WzL
f9w8yBMLLV3GlXcFcWbV5tA5QBssURkzGdcCIQCNXcdXw85pEIV7LYSxgcxee2oZ
ty+OiuDzSdZMiyBMyQ==
-----END X509 CRL-----
"""


async def play(player: Player) -> None:
    body = {"kind": "manufacturer", "certificate": ROOT}
    root = await player.ask("revocations: the root", "POST", f"{V1}/roots", body)
    await own_list(player)
    await lists(player)
    await player.ask("revocations: delete the root", "DELETE", f"{V1}/roots/{root['id']}")


async def own_list(player: Player) -> None:
    ask, path = player.ask, f"{V1}/revocations"
    body = {"certificate": LEAF, "reason": "keyCompromise", "note": "Stolen."}
    made = await ask("revocations: add", "POST", path, body)
    await ask("revocations: add again", "POST", path, body)
    numbered = {"issuerCertificate": ROOT, "serialNumber": "3F:A1"}
    await ask("revocations: by number", "POST", path, numbered)
    await ask("revocations: a root", "POST", path, {"certificate": ROOT})
    await ask("revocations: nothing", "POST", path, {})
    await ask("revocations: by an operator", "POST", path, body, key=OPERATOR)
    await ask("revocations: list", "GET", f"{path}?reason=keyCompromise&search=SN-REC", key=VIEWER)
    one = f"{path}/{made['id']}"
    await ask("revocations: get", "GET", one, key=VIEWER)
    await ask("revocations: delete", "DELETE", one)


async def lists(player: Player) -> None:
    ask, path = player.ask, f"{V1}/revocation-lists"
    body = {"name": "Maker", "crl": CRL}
    made = await ask("revocation lists: add", "POST", path, body)
    await ask("revocation lists: same name", "POST", path, body)
    await ask("revocation lists: no list", "POST", path, {"name": "B", "crl": "x"})
    await ask("revocation lists: by an operator", "POST", path, body, key=OPERATOR)
    await ask("revocation lists: list", "GET", f"{path}?search=maker", key=VIEWER)
    one = f"{path}/{made['id']}"
    await ask("revocation lists: get", "GET", one, key=VIEWER)
    await ask("revocation lists: rename", "PATCH", one, {"name": "Maker CA"})
    await ask("revocation lists: delete", "DELETE", one)
