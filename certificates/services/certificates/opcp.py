"""A pool of contract certificates with the interface of the Open Plug & Charge Protocol, over HTTP.

    POST {url}/v1/ccp/signedContractData
    {"certificateInstallationReq": <EXI in base64>, "xsdMsgDefNamespace": "urn:iso:15118:2:2013:MsgDef"}
    -> {"CCPResponse": {"emaidContent": [
           {"messageDef": {"certificateInstallationRes": <EXI>, "emaid": <contract id>}}]}}

The bearer is a fixed token, or that of an OAuth2 login with client credentials, kept until it expires.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from accounts.models.contract import is_same_contract
from certificates.services.certificates.provided import Asked, Contract, NoContract, ProviderFailed
from ocpp_server.outbound import addresses, http
from ocpp_server.outbound.addresses import AddressRefused
from ocpp_server.outbound.http import Answer, Limits, RequestFailed

_PATH: Final = "/v1/ccp/signedContractData"
# Contracts of ISO 15118-20 have up to 17,000 characters each.
_LIMITS: Final = Limits(connect_s=2.0, total_s=10.0, most_bytes=1024 * 1024)
_OK: Final = 200
_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404
_OWN_ERRORS: Final = 500
# A token is renewed so many seconds before it expires.
_EARLY_S: Final = 30.0
_FIELDS: Final = frozenset(
    {"name", "url", "token", "apiKey", "tokenUrl", "clientId", "clientSecret", "scope"}
)


class Pool:
    """One pool. Raises ValueError for settings that it can't use; its text has no secret."""

    def __init__(self, given: Mapping[str, str]) -> None:
        if unknown := given.keys() - _FIELDS:
            raise ValueError(f"has no setting {', '.join(sorted(unknown))}")
        for name in ("url", *(["tokenUrl"] if "tokenUrl" in given else [])):
            try:
                addresses.parse(given.get(name, ""))
            except AddressRefused as error:
                raise ValueError(f"{name}: {error}") from None
        if "tokenUrl" in given and not (given.get("clientId") and given.get("clientSecret")):
            raise ValueError("tokenUrl needs clientId and clientSecret")
        if not all(text.isascii() and text.isprintable() for text in given.values()):
            raise ValueError("use printable ASCII")
        self._given = given
        self._url = given["url"].rstrip("/") + _PATH
        self._bearer, self._until = given.get("token", ""), float("inf")
        if "tokenUrl" in given:
            self._bearer, self._until = "", 0.0

    def __repr__(self) -> str:
        return f"Pool({self._given['url']!r})"

    async def contracts(self, asked: Asked) -> list[Contract]:
        """The contracts of a vehicle, at most as many as it takes. Raises NoContract and ProviderFailed."""
        answer = await self._post(asked)
        if answer.status == _UNAUTHORIZED and "tokenUrl" in self._given:
            self._until = 0.0
            answer = await self._post(asked)
        if answer.status == _NOT_FOUND:
            raise NoContract("The pool has no contract for this vehicle.")
        if answer.status != _OK:
            sentence = f"The pool answered with the HTTP status {answer.status}."
            raise ProviderFailed(sentence, may_pass=answer.status >= _OWN_ERRORS)
        found = sorted(_contracts(answer.body), key=lambda one: _rank(one, asked.first))
        return found[: asked.most]

    async def _post(self, asked: Asked) -> Answer:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if bearer := await self._token():
            headers["Authorization"] = f"Bearer {bearer}"
        if key := self._given.get("apiKey"):
            headers["x-api-key"] = key
        body = {"certificateInstallationReq": asked.exi, "xsdMsgDefNamespace": asked.schema}
        return await _request(self._url, json.dumps(body).encode(), headers)

    async def _token(self) -> str:
        if time.monotonic() < self._until:
            return self._bearer
        # RFC 6749 2.3.1: both are encoded like the values of a form.
        login = ":".join(quote(self._given[name], safe="") for name in ("clientId", "clientSecret"))
        form = {"grant_type": "client_credentials"}
        if scope := self._given.get("scope"):
            form["scope"] = scope
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            "Authorization": "Basic " + base64.b64encode(login.encode()).decode(),
        }
        answer = await _request(self._given["tokenUrl"], urlencode(form).encode(), headers)
        content = _json(answer.body) if answer.status == _OK else None
        bearer = content.get("access_token") if isinstance(content, dict) else None
        if not isinstance(bearer, str) or not bearer.isascii() or not bearer.isprintable():
            sentence = f"The login of the pool failed with the HTTP status {answer.status}."
            raise ProviderFailed(sentence, may_pass=answer.status >= _OWN_ERRORS)
        seconds = content.get("expires_in") if isinstance(content, dict) else None
        kept_s = float(seconds) if isinstance(seconds, int | float) else 0.0
        self._bearer, self._until = bearer, time.monotonic() + kept_s - _EARLY_S
        return bearer


async def _request(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    try:
        return await http.request("POST", url, body=body, headers=headers, limits=_LIMITS)
    except (RequestFailed, AddressRefused) as error:
        raise ProviderFailed(str(error), may_pass=True) from None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _contracts(body: bytes) -> list[Contract]:
    content = _json(body)
    content = content.get("CCPResponse", content) if isinstance(content, dict) else None
    rows = content.get("emaidContent") if isinstance(content, dict) else None
    if not isinstance(rows, list):
        raise ProviderFailed("The pool's answer has no contracts (emaidContent).")
    found = []
    for row in rows:
        message = row.get("messageDef") if isinstance(row, dict) else None
        exi = message.get("certificateInstallationRes") if isinstance(message, dict) else None
        if isinstance(exi, str) and isinstance(message, dict):
            found.append(Contract(exi, str(message.get("emaid") or "")))
    return found


def _rank(contract: Contract, first: tuple[str, ...]) -> int:
    """The place of a contract: in the order of the vehicle's wishes, others behind them."""
    wishes = [number for number, one in enumerate(first) if is_same_contract(one, contract.contract_id)]
    return wishes[0] if wishes else len(first)
