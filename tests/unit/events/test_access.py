"""The access of a long stream and the callers of tickets, checked again in the database."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as RedisAway

from accounts.models import User
from accounts.services import api_keys
from events.services import tickets
from events.services.access import holder, still_allowed
from events.services.tickets import Ticket
from ocpp_server.api.authentication import KeyHolder
from ocpp_server.live import LiveStateUnavailable

pytestmark = pytest.mark.django_db


def test_a_key_reads_until_it_is_revoked() -> None:
    key, _ = api_keys.create(name="reader", role="viewer")
    is_allowed = still_allowed(KeyHolder(key))
    assert is_allowed()

    api_keys.revoke(key)

    assert not is_allowed()
    assert holder(f"key:{key.pk}") is None


def test_an_operator_reads_until_the_login_is_closed_or_has_another_role() -> None:
    user = User.objects.create_user("ann", role="operator", is_staff=True)
    is_allowed = still_allowed(user)
    assert is_allowed()

    User.objects.filter(pk=user.pk).update(role="viewer")
    assert not is_allowed()
    User.objects.filter(pk=user.pk).update(role="operator", is_active=False)
    assert not is_allowed()
    assert holder(f"user:{user.pk}") is None


def test_the_holder_of_a_ticket_is_its_caller() -> None:
    key, _ = api_keys.create(name="reader", role="viewer")
    user = User.objects.create_user("ann", role="operator", is_staff=True)

    assert holder(f"key:{key.pk}") == KeyHolder(key)
    assert holder(f"user:{user.pk}") == user


def test_a_ticket_is_used_once() -> None:
    plain, until = tickets.issue(Ticket("user:7", {"site": 3}))

    assert plain.startswith("evtk_")
    assert tickets.redeem(plain) == Ticket("user:7", {"site": 3})
    assert tickets.redeem(plain) is None
    assert tickets.redeem("") is None


def test_tickets_need_the_shared_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise RedisAway("away")

    monkeypatch.setattr(cache, "set", away)
    monkeypatch.setattr(cache, "get", away)

    with pytest.raises(LiveStateUnavailable):
        tickets.issue(Ticket("user:7", {}))
    with pytest.raises(LiveStateUnavailable):
        tickets.redeem("evtk_1")
