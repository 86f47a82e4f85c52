"""Recipients of alert notices in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from alerts.models import AlertRecipient, Notification
from chargepoints.models import Site

ADD = "admin:alerts_alertrecipient_add"
FORM = {
    "name": "Ann",
    "is_enabled": "on",
    "address": "ann@example.com",
    "min_severity": "info",
    "timezone": "Europe/Vienna",
    "digest": "hourly",
    "quiet_times": "mon-fri 22:00-06:30\nsat, sun 20:00-09:00",
    "chosen_codes": "offline, faulted",
}


def page(name: str, recipient: AlertRecipient) -> str:
    return reverse(f"admin:{name}", args=[recipient.pk])


def test_an_administrator_adds_a_recipient_and_changes_it(administrator: Client) -> None:
    depot = Site.objects.create(name="Depot")
    answer = administrator.post(reverse(ADD), {**FORM, "sites": [depot.pk]})

    assert answer.status_code == 302
    ann = AlertRecipient.objects.get()
    assert ann.quiet_hours == [
        {"days": "mon-fri", "from": "22:00", "to": "06:30"},
        {"days": "sat,sun", "from": "20:00", "to": "09:00"},
    ]
    assert (ann.codes, list(ann.sites.all())) == (["offline", "faulted"], [depot])
    change = page("alerts_alertrecipient_change", ann)
    shown = administrator.get(change).content.decode()
    assert "mon-fri 22:00-06:30\nsat,sun 20:00-09:00" in shown
    assert administrator.post(change, {**FORM, "quiet_times": "", "sites": []}).status_code == 302
    ann.refresh_from_db()
    assert (ann.quiet_hours, ann.sites.count()) == ([], 0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"quiet_times": "at night"}, "Times are 00:00 to 23:59."),
        ({"chosen_codes": "No-code"}, "Must be a list of at most 100 codes"),
        ({"timezone": "Vienna"}, "Vienna is not a time zone"),
        ({"address": ""}, "A recipient needs an address or an operator."),
        ({"name": "bob"}, "A recipient with this name already exists."),
    ],
)
def test_a_bad_field_is_shown_with_its_reason(
    administrator: Client, fields: dict[str, str], words: str
) -> None:
    AlertRecipient.objects.create(name="Bob", address="bob@example.com")
    answer = administrator.post(reverse(ADD), {**FORM, **fields})

    assert words in answer.content.decode()
    assert AlertRecipient.objects.count() == 1


def test_a_test_is_queued_and_its_state_shown(administrator: Client, settings: Any) -> None:
    ann = AlertRecipient.objects.create(name="Ann", address="ann@example.com")
    button = page("alert-recipient-test", ann)
    assert button in administrator.get(page("alerts_alertrecipient_change", ann)).content.decode()
    refused = administrator.post(button, follow=True)
    assert "EMAIL_URL is not set" in refused.content.decode()
    settings.EMAIL_URL = {"host": "mail.example.com"}

    answer = administrator.post(button, follow=True)

    assert answer.redirect_chain[-1][0] == page("alerts_notification_change", Notification.objects.get())
    assert "Test queued." in answer.content.decode()


def test_the_list_says_that_no_mails_are_sent_without_a_mail_server(administrator: Client) -> None:
    shown = administrator.get(reverse("admin:alerts_alertrecipient_changelist")).content.decode()

    assert "EMAIL_URL is not set: no mails are sent." in shown


@pytest.mark.parametrize("view", ["change", "delete"])
def test_an_operator_reads_only(operator: Client, view: str) -> None:
    ann = AlertRecipient.objects.create(name="Ann", address="ann@example.com")

    assert operator.get(page("alerts_alertrecipient_change", ann)).status_code == 200
    assert operator.post(page(f"alerts_alertrecipient_{view}", ann), FORM).status_code == 403
    assert operator.post(page("alert-recipient-test", ann)).status_code == 403
    assert operator.get(reverse(ADD)).status_code == 403
