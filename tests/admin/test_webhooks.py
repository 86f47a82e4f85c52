"""Webhooks in the admin: the form, the secret that is shown once, and the buttons."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chargepoints.models import ChargePoint, Site
from events.models import WebhookDelivery, WebhookEndpoint
from events.services import numbering
from events.services.webhooks import endpoints, signing
from ocpp_server.events import outbox
from ocpp_server.events.catalogue import stations
from tests.responders import Answer, serving

ADD = "/admin/events/webhookendpoint/add/"


@pytest.fixture(autouse=True)
def local_receivers(settings: Any) -> None:
    settings.OUTBOUND_PRIVATE_NETWORKS = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.WEBHOOK_ALLOW_HTTP = True


def sent(**values: Any) -> dict[str, Any]:
    return {
        "name": "Billing",
        "url": "https://receiver.example/hook",
        "types": "transaction.*, token.blocked",
        "format": "cloudevents",
        "personal_data": "full",
        "ordering": "none",
        "timeout_s": 20,
        "contact_email": "ann@example.com",
        **values,
    }


def test_the_values_of_the_form_are_stored_and_the_secret_is_shown_once(
    superuser: Client, station: ChargePoint
) -> None:
    site = Site.objects.create(name="Depot")

    page = superuser.post(
        ADD, sent(station=station.identity, site=site.pk, headers="Authorization: Bearer hush\nX-Team: a:b")
    )

    row = WebhookEndpoint.objects.get()
    secret = signing.CIPHER.unseal(row.sealed_secret)
    assert page.status_code == 200
    assert secret in page.content.decode()
    assert (row.types, row.site_id, row.station) == (
        ["transaction.*", "token.blocked"],
        site.pk,
        station.identity,
    )
    assert (row.format, row.personal_data, row.ordering, row.timeout_s) == ("cloudevents", "full", "none", 20)
    assert endpoints.header_names(row) == ["Authorization", "X-Team"]
    change = reverse("admin:events_webhookendpoint_change", args=[row.pk])
    shown = superuser.get(change).content.decode()
    assert secret not in shown
    assert "hush" not in shown
    # An empty field of headers keeps them, a hyphen removes them.
    assert superuser.post(change, sent(name="Fleet", types="")).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.types, endpoints.header_names(row)) == ("Fleet", [], ["Authorization", "X-Team"])
    superuser.post(change, sent(headers="-"))
    row.refresh_from_db()
    assert endpoints.header_names(row) == []


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("url", "https://10.0.0.1/", "private network"),
        ("url", "ftp://receiver.example", "Only http and https"),
        ("types", "meter.taken", "No type of event matches"),
        ("station", "NOWHERE", "no such station"),
        ("headers", "Webhook-Id: 1", "not allowed"),
        ("headers", "nonsense", "a name, a colon and a value"),
    ],
)
def test_a_refusal_is_shown_at_its_field(superuser: Client, field: str, value: str, reason: str) -> None:
    page = superuser.post(ADD, sent(**{field: value}))

    assert not WebhookEndpoint.objects.exists()
    assert any(reason in each for each in page.context["adminform"].form.errors[field])


def test_the_buttons_test_pause_enable_rotate_and_replay(superuser: Client) -> None:
    with serving(lambda path, body: Answer(b"thanks")) as server:
        row: Any = endpoints.create(name="Billing", url=f"{server.url}/hook", created_by="ann")
        outbox.emit(stations.FIRMWARE, station="CP-1", status="Downloading")
        numbering.number_some()
        WebhookEndpoint.objects.update(cursor=1)

        def press(name: str, **body: str) -> Any:
            return superuser.post(reverse(f"admin:webhook-{name}", args=[row.pk]), body, follow=True)

        assert "answered 200" in press("test").content.decode()
        assert b'"type":"webhook.test"' in server.requests[0][1]
        assert "1 events are sent" in press("replay", after="2026-01-01T00:00").content.decode()
        assert WebhookDelivery.objects.get().is_replay
        assert "Choose the time" in press("replay", after="x").content.decode()
        press("pause")
        row.refresh_from_db()
        assert row.state == "paused"
        assert "is paused" in press("pause").content.decode()
        press("enable-now")
        row.refresh_from_db()
        assert (row.state, WebhookDelivery.objects.get().state) == ("active", "failed")
        before = row.sealed_secret
        page = press("rotate")
        row.refresh_from_db()
        assert row.sealed_previous_secret == before
        assert signing.CIPHER.unseal(row.sealed_secret) in page.content.decode()
    assert "can&#x27;t be reached" in press("test").content.decode()


def test_only_administrators_see_webhooks(operator: Client) -> None:
    row = endpoints.create(name="Billing", url="https://receiver.example/hook", created_by="ann")

    for address in (
        "/admin/events/webhookendpoint/",
        f"/admin/events/webhookendpoint/{row.pk}/change/",
        "/admin/events/webhookdelivery/",
    ):
        assert operator.get(address).status_code == 403
    assert operator.post(reverse("admin:webhook-pause", args=[row.pk])).status_code == 403
