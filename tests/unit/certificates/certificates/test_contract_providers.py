"""Contract certificate providers over real HTTP: their order, their errors, and what they may cost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from certificates.services.certificates import contract_providers
from certificates.services.certificates.contract_providers import ContractProviders
from certificates.services.certificates.provided import Asked, Contract, NoContract, ProviderFailed
from tests.logged import captured_logs
from tests.responders import Answer, Server, serving

SCHEMA_2 = "urn:iso:15118:2:2013:MsgDef"
ASKED = Asked("CP-1", SCHEMA_2, "Install", "AQID")
SECRET = "a-secret-of-the-pool"  # noqa: S105 - of a test

Load = Callable[..., ContractProviders]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract_providers, "RETRIES_S", (0.0, 0.0))


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(lambda path, body: Answer(status=404)) as one:
        yield one


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def make(*given: Any, limit_s: float = 5.0) -> ContractProviders:
        path = tmp_path / "providers.json"
        path.write_text(json.dumps(given))
        made = ContractProviders()
        made.load(path, limit_s=limit_s)
        return made

    return make


def found(*contracts: tuple[str, str]) -> Answer:
    content = [{"messageDef": {"certificateInstallationRes": exi, "emaid": one}} for exi, one in contracts]
    return Answer(json.dumps({"CCPResponse": {"emaidContent": content}}).encode())


async def test_the_request_of_a_vehicle_is_passed_on_as_it_came(server: Server, load: Load) -> None:
    server.answer = lambda path, body: found(("RVhJ", "DE8AA0012345670"))

    contracts = await load({"url": f"{server.url}/base/", "token": SECRET}).contracts(ASKED)

    assert contracts == [Contract("RVhJ", "DE8AA0012345670")]
    ((path, body),) = server.requests
    assert path == "/base/v1/ccp/signedContractData"
    assert json.loads(body) == {"certificateInstallationReq": "AQID", "xsdMsgDefNamespace": SCHEMA_2}
    assert server.headers[0]["Authorization"] == f"Bearer {SECRET}"
    assert "x-api-key" not in server.headers[0]


async def test_a_vehicle_gets_the_contracts_that_it_prefers(server: Server, load: Load) -> None:
    server.answer = lambda path, body: found(
        ("AAAA", "DE8AA0012345670"), ("BBBB", "FRXYZ1234567892"), ("CCCC", "NN123ABCDEFGHIT")
    )
    wishes = ("NN-123-ABCDEFGHI", "FRXYZ1234567892")

    contracts = await load({"url": server.url}).contracts(ASKED._replace(most=2, first=wishes))

    assert [one.exi for one in contracts] == ["CCCC", "BBBB"]


async def test_providers_are_asked_in_their_order(server: Server, load: Load) -> None:
    def answer(path: str, body: bytes) -> Answer:
        return {"/none": Answer(status=404), "/down": Answer(status=503)}.get(
            "/" + path.split("/")[1], found(("RVhJ", ""))
        )

    server.answer = answer
    asked = load(*({"url": f"{server.url}/{name}"} for name in ("none", "down", "good", "never")))

    assert await asked.contracts(ASKED) == [Contract("RVhJ")]
    assert [path.split("/")[1] for path, _ in server.requests] == ["none", "down", "down", "down", "good"]


@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        (Answer(status=500), 3),
        (Answer(status=503), 3),
        (Answer(status=400), 1),
        (Answer(status=401), 1),
        (Answer(status=302, headers=(("Location", "/"),)), 1),
        (Answer(b"<html>"), 1),
        (Answer(b'{"CCPResponse": []}'), 1),
        (Answer(b"[" * 100_000), 1),
    ],
)
async def test_only_an_error_of_the_provider_itself_is_tried_again(
    server: Server, load: Load, answer: Answer, tries: int
) -> None:
    server.answer = lambda path, body: answer

    with pytest.raises(ProviderFailed):
        await load({"url": server.url}).contracts(ASKED)

    assert len(server.requests) == tries


@pytest.mark.parametrize("exi", ["", "no base64!", '"', "QUJD\n"])
async def test_an_answer_that_no_vehicle_can_read_is_no_contract(
    server: Server, load: Load, exi: str
) -> None:
    server.answer = lambda path, body: found((exi, ""))

    with pytest.raises(NoContract):
        await load({"url": server.url}).contracts(ASKED)


async def test_a_provider_that_is_down_or_slow_fails_in_time(server: Server, load: Load) -> None:
    slow = load({"function": f"{__name__}.never"}, {"url": server.url}, limit_s=0.05)
    with pytest.raises(ProviderFailed, match=r"within 0\.05 s"):
        await slow.contracts(ASKED)
    assert server.requests == []

    server.close()
    with pytest.raises(ProviderFailed, match="can't be reached"):
        await load({"url": server.url}).contracts(ASKED)


async def test_without_a_provider_every_vehicle_gets_none() -> None:
    with pytest.raises(ProviderFailed, match="configured"):
        await ContractProviders().contracts(ASKED)


async def never(asked: Asked) -> list[Contract]:
    await asyncio.Event().wait()
    return []


async def of_vehicle(asked: Asked) -> list[Contract]:
    return [Contract("RVhJ", asked.station)]


async def broken(asked: Asked) -> list[Contract]:
    raise RuntimeError(asked.exi)


async def test_a_function_may_be_a_provider(load: Load) -> None:
    assert await load({"function": f"{__name__}.of_vehicle"}).contracts(ASKED) == [Contract("RVhJ", "CP-1")]

    failing = load({"function": f"{__name__}.broken"})
    with captured_logs() as logged, pytest.raises(ProviderFailed, match=r"failed \(RuntimeError\)\.$"):
        await failing.contracts(ASKED)
    assert "AQID" not in str(logged)


async def test_a_login_is_kept_until_it_expires(server: Server, load: Load) -> None:
    logins = []

    def answer(path: str, body: bytes) -> Answer:
        if path != "/login":
            return found(("RVhJ", ""))
        logins.append(body)
        seconds = 3600 if len(logins) > 1 else 10
        return Answer(json.dumps({"access_token": f"bearer-{len(logins)}", "expires_in": seconds}).encode())

    server.answer = answer
    asked = load(
        {
            "url": server.url,
            "tokenUrl": f"{server.url}/login",
            "clientId": "me",
            "clientSecret": SECRET,
            "apiKey": "key",
            "scope": "contracts",
        }
    )
    for _ in range(3):
        await asked.contracts(ASKED)

    assert logins == [b"grant_type=client_credentials&scope=contracts"] * 2
    used = [one.get("Authorization") for one in server.headers if one.get("x-api-key") == "key"]
    assert used == ["Bearer bearer-1", "Bearer bearer-2", "Bearer bearer-2"]


async def test_a_bearer_that_is_refused_is_fetched_again_once(server: Server, load: Load) -> None:
    token = Answer(json.dumps({"access_token": "bearer", "expires_in": 3600}).encode())
    server.answer = lambda path, body: token if path == "/login" else Answer(status=401)
    given = {"url": server.url, "tokenUrl": f"{server.url}/login", "clientId": "me", "clientSecret": SECRET}

    with captured_logs() as logged, pytest.raises(ProviderFailed) as failed:
        await load(given).contracts(ASKED)

    paths = [path for path, _ in server.requests]
    assert paths == ["/login", "/v1/ccp/signedContractData"] * 2
    assert SECRET not in f"{failed.value} {logged}"


@pytest.mark.parametrize(
    "given",
    [
        "text",
        {},
        {"url": "ftp://pool.example"},
        {"url": "https://user:password@pool.example"},
        {"url": "https://pool.example", "tokne": SECRET},
        {"url": "https://pool.example", "token": f"{SECRET}\r\nX: y"},
        {"url": "https://pool.example", "tokenUrl": "https://login.example", "clientId": "me"},
        {"url": 7},
        {"function": "no.such.function"},
    ],
)
def test_a_wrong_setting_ends_the_start_and_shows_no_secret(load: Load, given: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="OCPP_CONTRACT_PROVIDERS") as failed:
        load(given)

    assert SECRET not in str(failed.value)


@pytest.mark.parametrize("text", ["", "{", "{}"])
def test_a_file_without_a_list_ends_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "providers.json"
    path.write_text(text)

    with pytest.raises(ImproperlyConfigured):
        ContractProviders().load(path, limit_s=1)
    with pytest.raises(ImproperlyConfigured):
        ContractProviders().load(tmp_path / "none.json", limit_s=1)
