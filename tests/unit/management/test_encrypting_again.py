"""Secrets in the database move to a new SECRET_KEY."""

from __future__ import annotations

from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from chargepoints.models import Campaign
from chargepoints.services.follow_ups import personal
from ocpp_server import encryption
from ocpp_server.encryption import Cipher, Column

BEFORE, NOW = "the-key-of-before-" * 3, "the-key-of-now-" * 4


@pytest.fixture
def old_key(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = BEFORE, []


def campaign(sealed: str) -> Campaign:
    return Campaign.objects.create(
        name="New password", kind="command", arguments={}, sealed_arguments=sealed, deadline_at=timezone.now()
    )


def test_a_text_is_read_with_a_fallback_and_written_with_the_first_key(settings, old_key):
    cipher = Cipher("a purpose")
    sealed = cipher.seal("a secret")

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NOW, [BEFORE]
    again = cipher.seal_again(sealed)

    assert cipher.unseal(sealed) == "a secret"
    settings.SECRET_KEY_FALLBACKS = []
    assert cipher.unseal(sealed) is None
    assert cipher.seal_again(sealed) is None
    assert cipher.unseal(again) == "a secret"
    assert cipher.seal_again(again) == again


def test_a_text_of_one_purpose_cannot_stand_for_another():
    sealed = Cipher("one purpose").seal("a secret")

    assert Cipher("another purpose").unseal(sealed) is None


@pytest.mark.django_db
def test_the_command_encrypts_stored_secrets_with_the_new_key(settings, old_key):
    row, empty = campaign(personal.seal("a secret")), campaign("")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NOW, [BEFORE]

    for line in ("1 encrypted again, 0 unchanged, 0 unreadable", "0 encrypted again, 1 unchanged"):
        output = StringIO()
        call_command("encrypt_again", stdout=output)
        assert f"chargepoints.Campaign.sealed_arguments: {line}" in output.getvalue()

    settings.SECRET_KEY_FALLBACKS = []
    row.refresh_from_db()
    assert personal.unseal(row.sealed_arguments) == "a secret"
    empty.refresh_from_db()
    assert empty.sealed_arguments == ""


@pytest.mark.django_db
def test_the_command_says_when_the_key_of_a_value_is_not_set(settings, old_key):
    row = campaign(personal.seal("a secret"))
    before = row.sealed_arguments
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NOW, []

    with pytest.raises(CommandError, match="1 values were encrypted with a key"):
        call_command("encrypt_again", stdout=StringIO())

    row.refresh_from_db()
    assert row.sealed_arguments == before


@pytest.mark.django_db
def test_more_rows_than_a_query_has_are_all_encrypted(settings, old_key, monkeypatch):
    monkeypatch.setattr(encryption, "_AT_ONCE", 2)
    for number in range(5):
        campaign(personal.seal(f"secret {number}"))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NOW, [BEFORE]

    counts = encryption.encrypt_again(Column(Campaign, "sealed_arguments", personal.CIPHER))

    assert (counts.changed, counts.unchanged, counts.unreadable) == (5, 0, 0)


def test_every_encrypted_column_is_registered():
    """A column whose name says that it is sealed, and the personal data of follow-ups."""
    sealed = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.name.startswith("sealed_")
    } | {"chargepoints.FollowUp.personal_data"}

    assert {str(column) for column in encryption.registered()} == sealed
