"""API keys: what is stored of them, which of them are usable, and when their use is noted."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiKey, User
from accounts.services import api_keys, people

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time of the server: noon, until the test sets another one."""
    times = [NOON]
    monkeypatch.setattr(timezone, "now", lambda: times[-1])
    return times


def test_a_key_is_stored_with_its_fields_and_without_its_text() -> None:
    ann = people.create(name="Ann")

    key, plain = api_keys.create(name="backend", role=User.Role.OPERATOR, expires_at=NOON, created_by=ann)

    key.refresh_from_db()
    assert (key.name, key.role, key.expires_at, key.created_by) == ("backend", "operator", NOON, ann)
    assert (key.prefix, key.digest) == (plain[:8], hashlib.sha256(plain.encode()).hexdigest())
    assert plain not in str(ApiKey.objects.values())


def test_a_key_may_only_read_and_does_not_expire_unless_it_is_asked_for() -> None:
    key, _ = api_keys.create(name="backend")

    assert (key.role, key.expires_at, key.created_by) == ("viewer", None, None)


def test_a_key_has_256_random_bits_behind_its_mark() -> None:
    (_, one), (_, two) = api_keys.create(name="a"), api_keys.create(name="b")

    assert one.startswith("ocs_")
    assert len(one) == len("ocs_") + 43
    assert one != two


def test_a_key_may_have_a_given_text() -> None:
    key, plain = api_keys.create(name="backend", plain="a-known-text")

    assert plain == "a-known-text"
    assert api_keys.find("a-known-text") == key
    assert api_keys.find("another-text") is None


@pytest.mark.parametrize(("seconds", "noted"), [(0, NOON), (60, NOON), (61, NOON + timedelta(seconds=61))])
def test_the_last_use_of_a_key_is_noted_to_the_minute(
    clock: list[datetime], seconds: int, noted: datetime
) -> None:
    key, plain = api_keys.create(name="backend")
    other, _ = api_keys.create(name="other")
    api_keys.find(plain)

    clock.append(NOON + timedelta(seconds=seconds))
    assert api_keys.find(plain) == key

    key.refresh_from_db()
    other.refresh_from_db()
    assert (key.last_used_at, other.last_used_at) == (noted, None)


def test_a_key_that_has_expired_or_was_revoked_is_not_found(clock: list[datetime]) -> None:
    _, expiring = api_keys.create(name="a", expires_at=NOON + MINUTE)
    revoked, text = api_keys.create(name="b")
    assert api_keys.find(expiring) is not None
    assert api_keys.find(text) is not None

    clock.append(NOON + 2 * MINUTE)
    api_keys.revoke(revoked)

    assert (api_keys.find(expiring), api_keys.find(text)) == (None, None)


def test_a_key_keeps_the_time_when_it_was_first_revoked(clock: list[datetime]) -> None:
    key, _ = api_keys.create(name="backend")
    api_keys.revoke(key)
    clock.append(NOON + MINUTE)

    api_keys.revoke(key)

    assert ApiKey.objects.get().revoked_at == NOON


def test_a_temporary_key_is_revoked_at_its_end(clock: list[datetime]) -> None:
    with api_keys.temporary(name="load test", role=User.Role.OPERATOR, life=MINUTE) as plain:
        found = api_keys.find(plain)
        assert found is not None
        assert (found.name, found.role, found.expires_at) == ("load test", "operator", NOON + MINUTE)

    assert api_keys.find(plain) is None


def test_a_temporary_key_is_revoked_after_a_failure_too() -> None:
    with (
        pytest.raises(RuntimeError),
        api_keys.temporary(name="load test", role=User.Role.VIEWER, life=MINUTE) as plain,
    ):
        raise RuntimeError

    assert api_keys.find(plain) is None


def test_a_temporary_key_that_a_killed_process_left_is_deleted_by_the_next(clock: list[datetime]) -> None:
    ann = people.create(name="Ann")
    api_keys.create(name="load test", expires_at=NOON - MINUTE)
    kept = [
        api_keys.create(name="load test", expires_at=NOON - MINUTE, created_by=ann)[0],
        api_keys.create(name="another", expires_at=NOON - MINUTE)[0],
        api_keys.create(name="load test", expires_at=NOON)[0],
        api_keys.create(name="load test")[0],
    ]

    with api_keys.temporary(name="load test", role=User.Role.VIEWER, life=MINUTE):
        assert list(ApiKey.objects.order_by("pk"))[:-1] == kept
