"""Every answer has the form of the envelope, also answers of middleware and error handlers."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings

from accounts.models import Token
from ocpp_server.api.fields import MAX_UNKNOWN
from tests.api.conftest import Caller
from transactions.models import Transaction


def test_health_needs_no_key_and_reports_a_running_server(anonymous: Caller) -> None:
    response = anonymous.get("/health")

    assert response.status_code == 200
    assert response.answer["success"] is True
    assert "running" in response.answer["message"]
    assert response.info["timestamp"].endswith("Z")


def test_ready_reports_the_state_of_each_part(viewer: Caller) -> None:
    response = viewer.get("/health/ready")

    assert response.status_code == 200
    assert response.info["parts"]["database"]["ok"] is True
    assert response.info["parts"]["journal"]["ok"] is True


@pytest.mark.parametrize(
    "path",
    [
        "/api/nothing",
        "/api/v1/nothing",
        "/health/nothing",
        "/clients/nothing",
        "/api",
        "/metrics/x",
        "/api/v1/",
    ],
)
@pytest.mark.parametrize("debug", [True, False])
def test_an_unknown_address_is_404_in_the_envelope(viewer: Caller, path: str, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        response = viewer.get(path)

    assert response.status_code == 404
    assert response.answer["success"] is False


@pytest.mark.parametrize("path", ["/health/", "/clients/", "/api/v1/chargepoints/", "/api/v1/tokens/"])
def test_a_trailing_slash_is_ignored(viewer: Caller, path: str) -> None:
    response = viewer.get(path)

    assert response.status_code == 200


def test_the_documents_are_found_without_a_trailing_slash(viewer: Caller) -> None:
    assert (
        viewer.client.get("/api/schema", headers={"Authorization": f"Api-Key {viewer.key}"}).status_code
        == 200
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_an_unsupported_method_is_405_in_the_envelope(administrator: Caller, method: str) -> None:
    response = administrator.request(method, "/clients")

    assert response.status_code == 405
    assert "GET" in response["Allow"]


def test_a_body_that_is_no_json_is_400(administrator: Caller) -> None:
    response = administrator.post("/api/v1/tokens", b'{"uid": ')

    assert response.status_code == 400
    assert response.info["errors"][0]["field"] == "body"


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"null", b"[" * 5000])
def test_a_body_that_is_no_object_is_400(administrator: Caller, body: bytes) -> None:
    response = administrator.post("/api/v1/tokens", body)

    assert response.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 32 + b"[]" + b"}" * 32,
        b"[" * 200 + b"]" * 200,  # too deep to be serialized for the fingerprint of an Idempotency-Key
        b'{"a":' * 900 + b'"\\u0000"' + b"}" * 900,  # deeper than the recursion limit of Python
        b"[" * 100_000,
    ],
)
def test_a_body_nested_too_deep_is_400(administrator: Caller, body: bytes) -> None:
    response = administrator.post("/api/v1/tokens", body, Idempotency_Key="deep")

    assert response.status_code == 400
    assert response.info["errors"][0]["field"] == "body"


def test_a_body_as_deep_as_a_message_may_be_is_read(administrator: Caller) -> None:
    response = administrator.post("/api/v1/tokens", b'{"uid":' * 32 + b"1" + b"}" * 32)

    assert response.status_code == 400
    assert response.info["errors"] == [{"field": "uid", "reason": "Must be a string."}]


def test_wrong_fields_beyond_the_first_are_not_all_named(administrator: Caller) -> None:
    """An answer with all fields of a body of one MiB would have ten MiB."""
    body = {f"field {number}": number for number in range(20_000)}

    response = administrator.post("/api/v1/tokens", body)

    assert response.status_code == 400
    assert len(response.info["errors"]) == MAX_UNKNOWN
    assert len(response.content) < 20_000


@pytest.mark.parametrize(
    "body", [b'{"uid": "a\\u0000b"}', b'{"uid": "\\ud800"}', b'{"uid": NaN}', b'{"uid": "\xff"}']
)
def test_text_that_a_database_cannot_store_is_400(administrator: Caller, body: bytes) -> None:
    response = administrator.post("/api/v1/tokens", body)

    assert response.status_code == 400
    assert not Token.objects.exists()


def test_another_media_type_is_415(administrator: Caller) -> None:
    response = administrator.client.post(
        "/api/v1/tokens", data={"uid": "X"}, headers={"Authorization": f"Api-Key {administrator.key}"}
    )

    assert response.status_code == 415
    assert response.json()["success"] is False


def test_an_unusual_accept_header_still_gets_json(viewer: Caller) -> None:
    response = viewer.get("/clients", Accept="text/html")

    assert response.status_code == 200


def test_unknown_fields_of_a_body_are_400_by_name(administrator: Caller) -> None:
    response = administrator.post("/api/v1/tokens", {"uid": "X", "colour": "red"})

    assert response.status_code == 400
    assert [error["field"] for error in response.info["errors"]] == ["colour"]


@pytest.mark.parametrize(
    "path", ["/api/v1/tokens", "/api/v1/chargepoints", "/api/v1/transactions", "/api/v1/transactions/export"]
)
def test_unknown_parameters_are_400_by_name(viewer: Caller, path: str) -> None:
    response = viewer.get(f"{path}?colour=red")

    assert response.status_code == 400
    assert "colour" in response.answer["message"]


def test_a_fault_of_the_server_is_500_in_the_envelope_without_details(
    viewer: Caller, session: Transaction
) -> None:
    # given a row with an invalid value
    Transaction.objects.update(suspect_reasons=5)

    # when a caller requests it
    response = viewer.get("/api/v1/transactions")

    # then the answer has no internal details
    assert response.status_code == 500
    assert response.answer["success"] is False
    assert response.info == {"code": "internal-error"}
    assert "iterable" not in response.content.decode()


def test_a_wrong_host_is_400_in_the_envelope(db: None) -> None:
    with override_settings(ALLOWED_HOSTS=["right.example"]):
        response = Client().get("/api/v1/tokens", headers={"Host": "wrong.example"})

    assert response.status_code == 400
    assert response.json()["success"] is False
