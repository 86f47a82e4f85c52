"""Operation ids: the names that generated clients give to their functions."""

from __future__ import annotations

import pytest

from ocpp_server.api.operation_ids import NAMES, VERBS, noun, operation_id


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/api/v1/sites/{site_id}", "getSite"),
        ("PATCH", "/api/v1/sites/{site_id}", "updateSite"),
        ("PUT", "/api/v1/sites/{site_id}", "setSite"),
        ("DELETE", "/api/v1/sites/{site_id}", "deleteSite"),
        ("get", "/api/v1/contracts/{contract_id}/members/{user_id}", "getContractMember"),
        ("GET", "/api/v1/chargepoints/{client_id}/status", "getChargePointStatus"),
        ("GET", "/api/v1/chargepoints/{client_id}/logs/{log_id}/file", "downloadChargePointLog"),
        ("GET", "/api/v1/tokens/export", "exportTokens"),
        ("GET", "/api/v1/users/{user_id}/export", "exportUser"),
        ("GET", "/api/v1/places/{place_id}.json", "getPlace"),
        ("GET", "/api/v1/schemas/events.json", "getSchemaEventsJson"),
        ("GET", "/api/v1/certificates/roots/{root_id}/rotation", "getTrustedRootRotation"),
        ("PUT", "/api/v1/chargepoints/{client_id}/configuration/live", "setLiveConfiguration"),
    ],
)
def test_the_method_is_the_verb_and_the_path_the_noun(method: str, path: str, name: str) -> None:
    assert operation_id(method, path, is_list=False) == name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/sites", "listSites"),
        ("/api/v1/chargepoints/{client_id}/notes", "listChargePointNotes"),
        ("/api/v1/certificates/authorities", "listCertificateAuthorities"),
        ("/api/v1/certificates/root-sets/{root_set_id}/lacking-stations", "listRootSetLackingStations"),
        ("/api/v1/session-costs", "listSessionCosts"),
    ],
)
def test_a_list_has_its_noun_in_the_plural(path: str, name: str) -> None:
    assert operation_id("GET", path, is_list=True) == name


@pytest.mark.parametrize(
    ("path", "creates", "name"),
    [
        ("/api/v1/sites", True, "createSite"),
        ("/api/v1/contracts/{contract_id}/members", True, "createContractMember"),
        ("/api/v1/campaigns/{campaign_id}/pause", False, "pauseCampaign"),
        ("/api/v1/tokens/by-uid/{uid}/block", False, "blockTokenByUid"),
        ("/api/v1/transactions/settle", False, "settleTransactions"),
        ("/api/v1/transactions/{transaction_id}/settle", False, "settleTransaction"),
        ("/api/v1/api-keys/{key_id}/roll", False, "rollApiKey"),
        ("/api/v1/webhooks/{webhook_id}/enable", False, "enableWebhook"),
        ("/api/v1/webhooks/{webhook_id}/rotate-secret", False, "rotateWebhookSecret"),
        ("/api/v1/webhooks/{webhook_id}/unheard-of", False, "unheardWebhookOf"),  # refused: no verb of VERBS
    ],
)
def test_a_post_creates_or_is_an_action_with_the_last_word_as_its_verb(
    path: str, creates: bool, name: str
) -> None:
    assert operation_id("POST", path, is_list=False, creates=creates) == name


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("reset", "resetChargePoint"),
        ("set-charging-profile", "setChargingProfile"),
        ("get-tariffs", "requestTariffs"),  # "listChargePointTariffs" reads what the server has stored
        ("data-transfer", "sendDataTransfer"),
        ("availability", "changeAvailability"),
    ],
)
def test_a_command_is_named_after_itself(command: str, name: str) -> None:
    path = f"/api/v1/chargepoints/{{client_id}}/{command}"

    assert operation_id("POST", path, is_list=False) == name


@pytest.mark.parametrize(
    ("words", "singular", "plural"),
    [
        (["addresses"], "Address", "Addresses"),
        (["batches"], "Batch", "Batches"),
        (["series"], "Series", "series"),
        (["local-lists"], "LocalList", "LocalLists"),
        (["access-rules"], "AccessRule", "AccessRules"),
        (["chargepoints", "commands"], "ChargePointCommand", "ChargePointCommands"),
        (["users", "contracts"], "UserContract", "UserContracts"),
        ([], "", ""),
    ],
)
def test_nouns_have_a_singular_and_a_plural(words: list[str], singular: str, plural: str) -> None:
    assert noun(words) == singular
    assert noun(words, is_plural=True).lower() == plural.lower()


def test_every_name_of_the_table_begins_with_a_verb() -> None:
    for name in NAMES.values():
        assert any(name.startswith(verb) for verb in VERBS), name
