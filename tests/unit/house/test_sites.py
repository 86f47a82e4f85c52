"""Every model and every endpoint states whether it belongs to sites: a limited caller must not see others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

from ocpp_server import sites
from ocpp_server.sites import SiteManager

ROOT = Path(__file__).resolve().parents[3]

# Models whose rows belong to no site, so that a login or key that is limited to sites has none of them.
WITHOUT_SITES = {
    "accounts.ApiKey": "administrators without a limit make keys",
    "accounts.ApiKeyRequest": "evidence for administrators",
    "accounts.AuditEntry": "evidence for administrators",
    "accounts.Contract": "a contract is valid at every site",
    "accounts.IdempotentRequest": "evidence for administrators",
    "accounts.Member": "a part of a contract",
    "accounts.Person": "people charge everywhere",
    "accounts.Token": "a token is valid at every site; a session shows the id of its token",
    "accounts.TokenGroup": "a part of a contract",
    "accounts.TokenImport": "tokens have no site",
    "accounts.TokenUpload": "tokens have no site",
    "accounts.UnknownToken": "its row counts the presentations at all stations",
    "accounts.User": "logins have no site",
    "aggregates.Progress": "a note for the sums",
    "alerts.AlertRecipient": "recipients are people, and have sites as a filter",
    "alerts.Evaluation": "a note for the evaluator",
    "certificates.AuthorityRequest": "CAs are for all stations",
    "certificates.CertificateAuthority": "CAs are for all stations",
    "certificates.ExpiryNotice": "a note for the sender of events",
    "certificates.OcspResponse": "a cache of answers about contracts",
    "certificates.RevocationList": "CAs are for all stations",
    "certificates.RevokedCertificate": "CAs are for all stations",
    "certificates.TrustRoot": "roots are for all stations",
    "chargepoints.FirmwareFile": "a file is for all stations of a model",
    "configuration.ConfigurationTemplate": "a template is for all stations that it is assigned to",
    "configuration.ListChange": "a note for the updates of lists",
    "events.StationStream": "the numbers of events",
    "events.Stream": "the numbers of events",
    "events.WebhookDelivery": "a part of a webhook",
    "events.WebhookEndpoint": "administrators without a limit make webhooks",
    "transactions.Counter": "the numbers of sessions",
    "transactions.MonthlyEnergyProgress": "a note for the sums",
}
# Models with a site whose manager finds all rows.
WITHOUT_MANAGER = {"events.Event": "the stream is numbered as a whole; `of_caller` is the rule"}


def ours() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if (ROOT / model._meta.app_label / "apps.py").exists()]


def views(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """The views of the REST API with their routes, and the attributes that a route sets."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            view = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)
            if hasattr(view, "needed_role"):
                yield route, view, getattr(pattern.callback, "initkwargs", {})


@pytest.mark.parametrize("model", ours(), ids=lambda model: model._meta.label)
def test_every_model_belongs_to_sites_or_says_why_not(model: Any) -> None:
    label = model._meta.label
    if not sites.has_sites(model):
        assert label in WITHOUT_SITES, (
            f"{label} has no foreign key site or charge_point. Name its way to a site in `site_through`, "
            "give it `of_sites` (ocpp_server/sites.py), or add it to WITHOUT_SITES with the reason."
        )
    elif label not in WITHOUT_MANAGER:
        assert isinstance(model._default_manager, SiteManager), (
            f"{label} belongs to sites: give it `objects = SiteManager()`, or "
            "`SiteManager.from_queryset(...)()` for its QuerySet."
        )


def test_every_exception_is_needed() -> None:
    labels = {model._meta.label: model for model in ours()}

    assert [label for label in WITHOUT_SITES if label not in labels or sites.has_sites(labels[label])] == []
    assert [one for one in WITHOUT_MANAGER if isinstance(labels[one]._default_manager, SiteManager)] == []


def test_every_endpoint_states_whether_it_belongs_to_sites() -> None:
    found = list(views())

    assert len(found) > 80
    silent = sorted(
        {f"{view.__module__}.{view.__name__}" for _, view, _ in found if view.is_of_sites is None}
    )
    assert silent == [], (
        "set is_of_sites (ocpp_server/api/views.py): True only if a limited caller may use it"
    )
