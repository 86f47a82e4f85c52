"""Authorize (1.6 4.1; 2.0.1 C01, C07; 2.1 I08)."""

from __future__ import annotations

from typing import Any

from chargepoints.services.data_transfer import carries
from ocpp_server import contract_certificates
from ocpp_server.live.station import Station
from ocpp_server.prices import price
from ocpp_server.protocol import translate
from ocpp_server.protocol.registry import on
from ocpp_server.protocol.versions import V16, V21, V201
from transactions.services.authorization.decision import decide


@on("Authorize", V16)
async def authorize_16(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    decision = await decide(station=station, token=translate.id_tag(request["idTag"]))
    return {"idTagInfo": translate.id_tag_info(decision)}


@carries("Authorize")
@on("Authorize", V201)
async def authorize(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """C07: a contract certificate, or its hash data, is checked before the token."""
    token = translate.id_token(request["idToken"])
    assert token is not None  # required by the schema
    certificate = await contract_certificates.port.app.check(station, token, request)
    decision = await decide(station=station, token=token, certificate=certificate)
    answer: dict[str, Any] = {"idTokenInfo": translate.id_token_info(decision)}
    if certificate is not None:
        answer["certificateStatus"] = contract_certificates.status(certificate, decision.verdict).value
    return answer


@on("Authorize", V21)
async def authorize_21(station: Station, request: dict[str, Any]) -> dict[str, Any]:
    """2.1 I08.FR.01: the answer to a token that may charge has the tariff of its driver, if there is one."""
    answer = await authorize(station, request)
    token = translate.id_token(request["idToken"])
    if token is None or answer["idTokenInfo"]["status"] != "Accepted":
        return answer
    tariff = await price.app.driver_tariff(station, token)
    return answer if tariff is None else {**answer, "tariff": tariff}
