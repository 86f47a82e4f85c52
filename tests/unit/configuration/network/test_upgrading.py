"""The change of a security profile: the checks before it, its slots, and its steps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chargepoints.models import ChargePoint, Command
from chargepoints.services.provisioning import security_profiles, trust
from chargepoints.services.provisioning.security_profiles import State
from configuration.models import NetworkProfile, ReportedKey
from configuration.services.network import listeners, upgrading
from configuration.services.network.upgrading import PRIORITY, Step
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.protocol.versions import V16, V21, V201
from tests.self_signed import certify

NOW = datetime.now(UTC)


class Known(trust.NotKnown):
    """An app that knows certificates."""

    def __init__(self, *, has: bool | None = None, trusts: bool | None = None) -> None:
        self._has, self._trusts = has, trusts

    def has_certificate(self, charge_point_pk: int) -> bool | None:
        return self._has

    def trusts_server(self, charge_point_pk: int) -> bool | None:
        return self._trusts


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield lambda **what: monkeypatch.setattr(trust.port, "app", Known(**what))


# -- the addresses of the server -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("public", "profile", "address"),
    [
        ("", 2, ""),
        ("http://csms.example:8081", 1, "ws://csms.example:8081/ocpp"),
        ("http://csms.example", 2, ""),
        ("https://csms.example", 2, "wss://csms.example/ocpp"),
        ("https://csms.example", 1, ""),
        ("https://csms.example", 3, "wss://csms.example:8443/ocpp"),
        ("http://[2001:db8::1]:8081", 3, "wss://[2001:db8::1]:8443/ocpp"),
        ("", 3, ""),
    ],
)
def test_the_address_of_a_profile(settings: Any, public: str, profile: int, address: str) -> None:
    settings.PUBLIC_URL, settings.TLS_CLIENT_PORT = public, 8443

    assert listeners.address(profile) == address


@pytest.mark.parametrize(
    ("has_tls", "is_proxied", "profile", "words"),
    [
        (False, False, 1, ""),
        (False, False, 2, "has no TLS"),
        (False, True, 2, ""),
        (False, True, 1, ""),
        (True, False, 1, "with TLS alone"),
        (True, False, 2, "ends on"),  # that of the tests is valid for a day
        (False, True, 3, "asks no station for a certificate"),
    ],
)
def test_what_is_known_against_a_listener(
    settings: Any, tmp_path: Path, *, has_tls: bool, is_proxied: bool, profile: int, words: str
) -> None:
    settings.TLS_CERT = certify(tmp_path, "own")[0] if has_tls else None
    settings.BEHIND_TLS = is_proxied
    found = listeners.fault(profile)

    assert words in found and bool(words) == bool(found)


def test_a_certificate_with_its_key_and_a_damaged_one(settings: Any, tmp_path: Path) -> None:
    certificate, key = certify(tmp_path, "own")
    certificate.write_bytes(key.read_bytes() + certificate.read_bytes())
    settings.TLS_CERT, settings.BEHIND_TLS = certificate, False
    valid = listeners.fault(2, datetime.now(UTC) - timedelta(days=30))
    certificate.write_text("no certificate")

    assert valid == ""
    assert "can't be read" in listeners.fault(2)


# -- before anything is sent ---------------------------------------------------------------------------------


@pytest.fixture
def station(db: None) -> ChargePoint:
    return ChargePoint.objects.create(identity="CP-1", security_profile=1, password_hash="x")


def report(station: ChargePoint, key: str, value: str, **more: Any) -> None:
    ReportedKey.objects.create(charge_point=station, key=key, value=value, reported_at=NOW, **more)


def test_a_password_is_needed_for_1_and_2_and_may_be_unproved(station: ChargePoint) -> None:
    ChargePoint.objects.update(security_profile=0, password_hash="")
    for target in (1, 2):
        with pytest.raises(Conflict, match="has no password"):
            upgrading.check(station.pk, target, V16)
    ChargePoint.objects.update(next_password_hash="new")

    upgrading.check(station.pk, 1, V16)


@pytest.mark.parametrize(("reported", "is_allowed"), [(None, False), ("false", False), (" True ", True)])
def test_a_lower_profile_needs_the_word_of_the_station(
    station: ChargePoint, *, reported: str | None, is_allowed: bool
) -> None:
    ChargePoint.objects.update(security_profile=3)
    if reported is not None:
        report(station, upgrading.DOWNGRADE, reported)

    if is_allowed:
        upgrading.check(station.pk, 2, V21)
    else:
        with pytest.raises(Conflict, match="AllowSecurityProfileDowngrade"):
            upgrading.check(station.pk, 2, V21)
    with pytest.raises(Conflict, match=r"2\.0\.1 has no way"):
        upgrading.check(station.pk, 2, V201)


@pytest.mark.parametrize(
    ("target", "what", "words", "is_doubtful"),
    [
        (1, {}, [], False),
        (2, {}, [], True),
        (2, {"trusts": True}, [], False),
        (2, {"trusts": False}, ["does not have the root"], False),
        (3, {}, ["no client certificate"], True),
        (3, {"has": False, "trusts": True}, ["no client certificate"], False),
        (3, {"has": True, "trusts": True}, [], False),
    ],
)
def test_what_is_known_and_not_known_of_the_certificates(
    settings: Any,
    known: Any,
    station: ChargePoint,
    *,
    target: int,
    what: dict[str, Any],
    words: list[str],
    is_doubtful: bool,
) -> None:
    settings.TLS_CERT, settings.BEHIND_TLS, settings.TLS_CLIENT_CERT_HEADER = None, True, "X-Cert"
    known(**what)
    found = upgrading.obstacles(station.pk, target)

    assert [word in sentence for word, sentence in zip(words, found, strict=True)] == [True] * len(words)
    assert bool(upgrading.doubts(station.pk, target)) is is_doubtful


def test_a_free_slot_is_one_that_the_station_has_and_nothing_uses(station: ChargePoint) -> None:
    with pytest.raises(Conflict, match="has not reported"):
        upgrading.slots(station.pk, None)
    report(station, PRIORITY, "4, 1", characteristics={"valuesList": "1,2,3,4"})
    first = upgrading.slots(station.pk, None)
    NetworkProfile.objects.create(
        charge_point=station, slot=2, state="confirmed", csms_url="ws://a", message_timeout=30,
        security_profile=1, sent_at=NOW,
    )  # fmt: skip
    second = upgrading.slots(station.pk, None)

    assert (first, second) == ((2, 4), (3, 4))
    assert upgrading.slots(station.pk, 2) == (2, 4)
    with pytest.raises(Invalid, match="is connected by slot 4"):
        upgrading.slots(station.pk, 4)
    # The slot of an earlier change is used again.
    change = security_profiles.offer(
        station.pk, target=2, window=60, command_id="c", actor="", slot=2, csms_url="wss://a"
    )
    assert upgrading.slots(station.pk, None) == (2, 4)
    assert upgrading.order(station.pk, 2) == "2,4,1"
    assert change.is_open


@pytest.mark.parametrize(
    ("reported", "order"), [({PRIORITY: "1,2"}, "2,1"), ({"OCPPCommCtrlr.ActiveNetworkProfile": "3"}, "2,3")]
)
def test_the_present_order_stays_behind_the_new_slot(
    station: ChargePoint, reported: dict[str, str], order: str
) -> None:
    for key, value in reported.items():
        report(station, key, value)

    assert upgrading.order(station.pk, 2) == order


# -- the steps -----------------------------------------------------------------------------------------------

SENT, ORDERING, RESTARTING = State.SENT, State.ORDERING, State.RESTARTING


@pytest.mark.parametrize(
    ("state", "has_slots", "action", "answer", "following", "words"),
    [
        (SENT, False, "ChangeConfiguration", "Accepted", Step(State.AWAITED), ""),
        (SENT, False, "ChangeConfiguration", "RebootRequired", Step(State.AWAITED), "reset it"),
        (SENT, False, "ChangeConfiguration", "Rejected", Step(State.REFUSED), "with Rejected"),
        (SENT, False, "ChangeConfiguration", "", Step(State.AWAITED), "it may have changed"),
        (SENT, True, "SetNetworkProfile", "Accepted", Step(ORDERING, "SetVariables"), ""),
        (SENT, True, "SetNetworkProfile", "Failed", Step(State.REFUSED), "with Failed"),
        (SENT, True, "SetNetworkProfile", "", Step(State.FAILED), "No usable answer"),
        (ORDERING, True, "SetVariables", "Accepted", Step(RESTARTING, "Reset"), ""),
        (ORDERING, True, "SetVariables", "RebootRequired", Step(RESTARTING, "Reset"), ""),
        (ORDERING, True, "SetVariables", "Rejected", Step(State.REFUSED), "with Rejected"),
        (ORDERING, True, "SetVariables", "", Step(State.AWAITED), "next restart"),
        (RESTARTING, True, "Reset", "Accepted", Step(State.AWAITED), ""),
        (RESTARTING, True, "Reset", "Scheduled", Step(State.AWAITED), ""),
        (RESTARTING, True, "Reset", "", Step(State.AWAITED), ""),
        (RESTARTING, True, "Reset", "Rejected", Step(State.AWAITED), "refused the reset (Rejected)"),
    ],
)
def test_the_next_step_follows_from_the_answer(
    *, state: str, has_slots: bool, action: str, answer: str, following: Step, words: str
) -> None:
    ended = Command.State.TIMEOUT if not answer else Command.State.ACCEPTED
    found = upgrading.next_step(
        state, has_slots=has_slots, command=Command(action=action, status=answer, state=ended)
    )

    assert (found.state, found.action) == (following.state, following.action)
    assert words in found.reason and bool(words) == bool(found.reason)


def test_a_change_of_the_generic_command_is_followed_once(station: ChargePoint) -> None:
    for value in ("9", "1", "x", "", "22"):
        upgrading.followed(station.pk, value, command_id=f"c{value}")
    before = station.security_profile_changes.count()
    upgrading.followed(station.pk, " 2 ", command_id="c-2")
    upgrading.followed(station.pk, "3", command_id="c-3")

    assert (before, list(station.security_profile_changes.values_list("target", "state"))) == (
        0,
        [(2, "awaited")],
    )
