"""The handshake: which stations may connect, with which version, and how each refusal is recorded."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ocpp_server import live
from ocpp_server.transport.handshake import admission, authentication
from ocpp_server.transport.handshake.admission import Admitted, Handshake, Refusal, Unknown
from ocpp_server.transport.handshake.per_minute import DistinctPerMinute

V16, V201 = "ocpp1.6", "ocpp2.0.1"
PASSWORD = "0123456789abcdef"
HASH = authentication.hash_password(PASSWORD)
HERE, THERE = "192.0.2.1", "192.0.2.2"


@dataclass
class Row:
    """A stored station."""

    identity: str = "CP-1"
    security_profile: int = 0
    password_hash: str = ""
    checks_username: bool = False
    pk: int = 7
    ocpp_version: str = ""
    heartbeat_interval: int = 0


class Stations:
    """The port of the engine, filled with stations in memory."""

    def __init__(self) -> None:
        self.rows = {"CP-1": Row()}
        self.is_full = False
        self.recorded: list[tuple[Handshake, Refusal]] = []

    def find(self, identities: list[str]) -> list[Row | None]:
        return [self.rows.get(identity) for identity in identities]

    def register(self, identities: list[str]) -> list[Row | None]:
        for identity in identities if not self.is_full else ():
            self.rows.setdefault(identity, Row(identity))
        return self.find(identities)

    def record(self, handshake: Handshake, refusal: Refusal) -> None:
        self.recorded.append((handshake, refusal))


class Journal:
    """Runs the functions of the port at once, without the database of the journal."""

    async def run_batched(self, many: Callable[[list[str]], list[Any]], item: str) -> Any:
        return many([item])[0]

    async def run(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)


@pytest.fixture(autouse=True)
def stations(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Stations]:
    settings.OCPP_UNKNOWN_STATIONS = "refuse"
    settings.OCPP_UNKNOWN_STATIONS_PER_MINUTE = 100
    settings.OCPP_NO_COMMON_SUBPROTOCOL = "close"
    settings.OCPP_ASSUME_SUBPROTOCOL = ""
    settings.OCPP_ALLOWED_ORIGINS = []
    settings.ALLOWED_HOSTS = ["csms.example.com"]
    settings.PUBLIC_URL = ""
    settings.FORWARDED_ALLOW_IPS = ""
    stored = Stations()
    monkeypatch.setattr(admission.port, "app", stored)
    monkeypatch.setattr(admission, "journal", Journal())
    monkeypatch.setattr(admission, "_unknown", DistinctPerMinute())
    live.reset()
    yield stored
    live.reset()


def basic(user: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


def handshake(identity: str = "CP-1", **more: Any) -> Handshake:
    plain = Handshake(
        path=f"/ocpp/{identity}",
        identity=identity,
        offered=[V16],
        address=HERE,
        authorization=None,
        origin="",
        is_tls=False,
        protocol_header=V16,
    )
    return replace(plain, **more)


async def refusal_of(given: Handshake) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await admission.admit(given)
    return caught.value


async def counted(kind: str, address: str = HERE, identity: str = "CP-1") -> int:
    (count,) = await live.state().recent.counts(address, identity, kind)
    return count


# --- the request --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw_path", "identity"),
    [
        (b"/ocpp/CP-1", "CP-1"),
        (b"/ocpp/CP-1/", "CP-1"),
        (b"/ocpp/CP-X/", "CP-X"),
        (b"/ocpp/CP-1//", "CP-1"),
        (b"/ocpp/CP-1?a=/b", "CP-1"),
        (b"/steve/websocket/CentralSystemService/CP-1", "CP-1"),
        (b"/CP-1", "CP-1"),
        (b"/ocpp/a%2Fb", "a/b"),
        (b"/ocpp/K%C3%B6ln", "Köln"),
        (b"/ocpp/%FF", "\ufffd"),
        (b"/ocpp", ""),
        (b"/ocpp/", ""),
        (b"/ocpp?CP-1", ""),
        (b"/other/ocpp", "ocpp"),
        (b"/", ""),
    ],
)
def test_the_identity_is_the_last_part_of_the_path(raw_path: bytes, identity: str) -> None:
    assert Handshake.from_scope({"raw_path": raw_path, "path": "/not/used"}).identity == identity


def test_a_server_without_raw_paths_gives_the_decoded_one() -> None:
    assert Handshake.from_scope({"path": "/ocpp/CP-2"}).identity == "CP-2"


def test_a_handshake_has_the_fields_of_its_request() -> None:
    scope = {
        "raw_path": b"/ocpp/CP-1?key=1",
        "path": "/ocpp/CP-1",
        "scheme": "wss",
        "client": ("192.0.2.9", 4711),
        "subprotocols": ["ocpp1.6", "x"],
        "headers": [
            (b"host", b"csms.example.com"),
            (b"origin", b"https://p\xe4ge.example"),
            (b"authorization", b"Basic QQ=="),
            (b"sec-websocket-protocol", b"ocpp1.6, \xe4"),
        ],
    }

    assert Handshake.from_scope(scope) == Handshake(
        path="/ocpp/CP-1?key=1",
        identity="CP-1",
        offered=["ocpp1.6", "x"],
        address="192.0.2.9",
        authorization=b"Basic QQ==",
        origin="https://päge.example",
        is_tls=True,
        protocol_header="ocpp1.6, ä",
        own_origins=frozenset({"https://csms.example.com"}),
    )


def test_a_bare_request_has_empty_fields() -> None:
    assert Handshake.from_scope({"path": "/ocpp/CP-1", "scheme": "ws", "client": None}) == Handshake(
        path="/ocpp/CP-1",
        identity="CP-1",
        offered=[],
        address="",
        authorization=None,
        origin="",
        is_tls=False,
        protocol_header="",
        own_origins=frozenset(),
    )


def test_the_stored_path_is_cut_and_keeps_any_byte() -> None:
    found = Handshake.from_scope({"raw_path": b"/\xff" + b"a" * 5000, "path": "/"})

    assert found.path == "/\xff" + "a" * 998


async def test_an_address_without_an_identity_is_named_as_the_reason() -> None:
    assert ".../ocpp/<identity>" in (await refusal_of(handshake(""))).reason


async def test_a_reason_repeats_a_bounded_part_of_what_the_station_sent() -> None:
    by_origin = await refusal_of(handshake(origin="o" * 500))
    by_version = await refusal_of(handshake(offered=["v" * 500]))

    assert by_origin.reason.count("o" * 100) == 1 and "o" * 101 not in by_origin.reason
    assert by_version.reason.count("v" * 200) == 1 and "v" * 201 not in by_version.reason


# --- what every handshake needs -----------------------------------------------------------------------------


@pytest.mark.parametrize("identity", ["", ".", "a/b", "a:b", "\ufffd", "x" * 256])
async def test_an_identity_that_no_station_can_have_is_not_found(
    stations: Stations, settings: Any, identity: str
) -> None:
    settings.OCPP_UNKNOWN_STATIONS = "accept"
    stations.rows[identity] = Row(identity)

    refusal = await refusal_of(handshake(identity))

    assert (refusal.status, refusal.can_be_accepted, refusal.security) == (404, False, "")


@pytest.mark.parametrize(
    "header", ["ocpp1.6,ocpp1.6", "ocpp1.6, ocpp1.6", "ocpp1.6,", ",", "a b", "ä", "a/1"]
)
async def test_a_malformed_list_of_subprotocols_is_a_bad_request(header: str) -> None:
    assert (await refusal_of(handshake(protocol_header=header))).status == 400


@pytest.mark.parametrize("header", ["", "ocpp1.6", " ocpp1.6 ,\tocpp2.0.1", "!#$%&'*+-.^_`|~09AZaz"])
async def test_a_list_of_tokens_is_well_formed(header: str) -> None:
    assert isinstance(await admission.admit(handshake(protocol_header=header)), Admitted)


async def test_an_address_with_ten_failed_logins_of_a_station_has_to_wait(stations: Stations) -> None:
    stations.rows["CP-1"] = Row(password_hash=HASH)
    right = handshake(authorization=basic("CP-1", PASSWORD))
    for _ in range(authentication.MAX_FAILURES - 1):
        await live.state().recent.note(HERE, "CP-1", authentication.FAILURE)

    assert isinstance(await admission.admit(right), Admitted)
    await live.state().recent.note(HERE, "CP-1", authentication.FAILURE)
    refusal = await refusal_of(right)

    assert authentication.MAX_FAILURES == 10
    assert (refusal.status, refusal.security) == (429, "TooManyFailedLogins")
    assert isinstance(await admission.admit(replace(right, address=THERE)), Admitted)


async def test_a_station_that_connects_sixty_times_in_a_minute_has_to_wait(stations: Stations) -> None:
    stations.rows["CP-1"] = Row(password_hash=HASH)
    right = handshake(authorization=basic("CP-1", PASSWORD))
    for _ in range(60):
        assert isinstance(await admission.admit(right), Admitted)

    refusal = await refusal_of(right)

    assert (refusal.status, refusal.security) == (429, "")
    assert isinstance(await admission.admit(replace(right, address=THERE)), Admitted)


async def test_the_addresses_of_one_IPv6_network_are_one(stations: Stations) -> None:
    stations.rows["CP-1"] = Row(password_hash=HASH)

    for number in range(10):
        wrong = handshake(address=f"2001:db8::{number}", authorization=basic("CP-1", "wrong"))
        assert (await refusal_of(wrong)).status == 401

    assert (await refusal_of(handshake(address="2001:db8::ffff"))).status == 429


async def test_only_a_handshake_that_may_enter_is_an_arrival(stations: Stations) -> None:
    await admission.admit(handshake())
    stations.rows["CP-1"] = Row(password_hash=HASH)
    await refusal_of(handshake())

    # Processes of other releases count under these names too.
    assert await counted("arrival") == 1
    assert await counted("failure") == 1


# --- unknown stations ---------------------------------------------------------------------------------------


async def test_an_unknown_station_is_refused_and_can_be_accepted_by_an_operator() -> None:
    refusal = await refusal_of(handshake("NEW"))

    assert (refusal.status, refusal.can_be_accepted) == (404, True)
    assert (refusal.security, refusal.is_repeated) == ("", False)


@pytest.mark.parametrize("offered", [V16, V201])
async def test_an_unknown_station_gets_a_socket_where_it_is_not_refused(settings: Any, offered: str) -> None:
    settings.OCPP_UNKNOWN_STATIONS = "accept"

    assert await admission.admit(handshake("NEW", offered=[offered])) == Unknown(offered, offered)
    assert await counted(authentication.ARRIVAL, identity="NEW") == 1


async def test_a_known_station_is_admitted_with_its_row(stations: Stations) -> None:
    assert await admission.admit(handshake()) == Admitted(stations.rows["CP-1"], V16, V16)


@pytest.mark.parametrize("identity", ["x" * 49, " NEW", "a\u200bb"])
async def test_a_new_station_needs_an_identity_of_OCPP(
    stations: Stations, settings: Any, identity: str
) -> None:
    settings.OCPP_UNKNOWN_STATIONS = "accept"

    refusal = await refusal_of(handshake(identity))
    stations.rows[identity] = Row(identity)

    assert (refusal.status, refusal.can_be_accepted) == (404, False)
    assert isinstance(await admission.admit(handshake(identity)), Admitted)


@pytest.mark.parametrize("mode", ["refuse", "accept"])
async def test_an_address_tries_a_limited_number_of_unknown_identities(settings: Any, mode: str) -> None:
    settings.OCPP_UNKNOWN_STATIONS = mode
    settings.OCPP_UNKNOWN_STATIONS_PER_MINUTE = 2
    for number in range(2):
        if mode == "accept":
            assert isinstance(await admission.admit(handshake(f"NEW-{number}")), Unknown)
        else:
            assert (await refusal_of(handshake(f"NEW-{number}"))).status == 404

    first, second, third = [await refusal_of(handshake(f"NEW-{number}")) for number in (2, 3, 4)]

    assert {first.status, second.status, third.status} == {429}
    assert [each.is_repeated for each in (first, second, third)] == [False, True, True]
    assert not first.can_be_accepted
    assert isinstance(await admission.admit(handshake("CP-1")), Admitted)


async def test_the_limit_of_unknown_identities_is_one_of_each_network(settings: Any) -> None:
    settings.OCPP_UNKNOWN_STATIONS_PER_MINUTE = 1
    statuses = [
        (await refusal_of(handshake(f"NEW-{number}", address=address))).status
        for number, address in enumerate(("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"))
    ]

    assert statuses == [404, 429, 404]


# --- the security profile and the password ------------------------------------------------------------------


def given(user: str = "CP-1", password: str = PASSWORD) -> bytes:
    return basic(user, password)


@pytest.mark.parametrize(
    ("profile", "stored", "is_tls", "authorization", "status", "security"),
    [
        (0, "", False, None, 0, ""),
        (0, "", False, given(), 0, ""),
        (0, HASH, False, given(), 0, ""),
        (0, HASH, False, None, 401, "FailedStationLogin"),
        (1, HASH, False, given(), 0, ""),
        (1, HASH, True, given(), 0, ""),
        (1, HASH, False, given(password="wrong"), 401, "FailedStationLogin"),
        (1, HASH, False, b"Bearer x", 401, "FailedStationLogin"),
        (1, "", False, None, 401, "FailedStationLogin"),
        (1, "", False, given(), 401, "FailedStationLogin"),
        (2, HASH, True, given(), 0, ""),
        (2, HASH, False, given(), 401, "RefusedSecurityProfile"),
        (3, HASH, True, given(), 401, "RefusedSecurityProfile"),
        (3, HASH, False, given(), 401, "RefusedSecurityProfile"),
    ],
)
async def test_a_security_profile_decides_about_password_and_TLS(
    stations: Stations,
    *,
    profile: int,
    stored: str,
    is_tls: bool,
    authorization: bytes | None,
    status: int,
    security: str,
) -> None:
    stations.rows["CP-1"] = Row(security_profile=profile, password_hash=stored)
    tried = handshake(is_tls=is_tls, authorization=authorization)

    if not status:
        assert isinstance(await admission.admit(tried), Admitted)
        assert await counted(authentication.FAILURE) == 0
        return
    refusal = await refusal_of(tried)

    assert (refusal.status, refusal.security, refusal.can_be_accepted) == (status, security, False)
    # A connection without TLS, or without a certificate, is no attempt to guess a password.
    assert await counted(authentication.FAILURE) == (security == "FailedStationLogin")


async def test_the_reason_of_a_failed_login_names_what_is_wrong(stations: Stations) -> None:
    async def reason(row: Row, authorization: bytes | None) -> str:
        stations.rows["CP-1"] = row
        return (await refusal_of(handshake(authorization=authorization))).reason

    with_password, checked = Row(password_hash=HASH), Row(password_hash=HASH, checks_username=True)
    reasons = [
        await reason(with_password, None),
        await reason(with_password, given(password="wrong")),
        await reason(Row(security_profile=1), given()),
        await reason(checked, given(user="OTHER")),
        await reason(Row(security_profile=2), given()),
        await reason(Row(security_profile=3), given()),
    ]

    assert len(set(reasons)) == 6 - (reasons[4] == reasons[5])
    assert "sent none" in reasons[0] and "wrong" in reasons[1] and "No password is set" in reasons[2]
    assert "user name" in reasons[3] and "TLS" in reasons[4]


@pytest.mark.parametrize(
    ("checks", "user", "password", "is_admitted"),
    [
        (False, "OTHER", PASSWORD, True),
        (True, "CP-1", PASSWORD, True),
        (True, "cp-1", PASSWORD, True),
        (True, "OTHER", PASSWORD, False),
        (True, "CP-1", "wrong", False),
        (True, "OTHER", "wrong", False),
    ],
)
async def test_the_user_name_counts_where_the_station_has_to_send_its_identity(
    stations: Stations, checks: bool, user: str, password: str, is_admitted: bool
) -> None:
    stations.rows["CP-1"] = Row(password_hash=HASH, checks_username=checks)
    tried = handshake(authorization=basic(user, password))

    if is_admitted:
        assert isinstance(await admission.admit(tried), Admitted)
    else:
        assert (await refusal_of(tried)).security == "FailedStationLogin"
        assert await counted(authentication.FAILURE) == 1


@pytest.mark.parametrize("identity", ["CP-1", "NEW"])
async def test_a_web_page_may_not_speak_for_a_station_without_a_password(
    settings: Any, identity: str
) -> None:
    settings.OCPP_UNKNOWN_STATIONS = "accept"

    refusal = await refusal_of(handshake(identity, origin="https://evil.example"))

    assert (refusal.status, refusal.security) == (403, "RefusedOrigin")
    assert "https://evil.example" in refusal.reason
    assert await counted(authentication.ARRIVAL, identity=identity) == 0


async def test_the_origin_does_not_matter_where_a_password_was_proved(stations: Stations) -> None:
    stations.rows["CP-1"] = Row(password_hash=HASH)

    found = await admission.admit(handshake(origin="https://evil.example", authorization=given()))

    assert isinstance(found, Admitted)


async def test_the_origin_of_the_servers_own_pages_is_allowed() -> None:
    own = frozenset({"https://csms.example.com"})

    found = await admission.admit(handshake(origin="https://csms.example.com", own_origins=own))

    assert isinstance(found, Admitted)


# --- the version --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "assumed", "version", "subprotocol"),
    [
        (["ocpp2.0.1", "ocpp1.6"], "", "ocpp2.0.1", "ocpp2.0.1"),
        (["other", "ocpp2.1"], "", "ocpp2.1", "ocpp2.1"),
        ([], "ocpp1.6", "ocpp1.6", None),
        (["ocpp2.0.1"], "ocpp1.6", "ocpp2.0.1", "ocpp2.0.1"),
    ],
)
async def test_the_version_is_that_of_the_subprotocol_or_of_the_setting(
    stations: Stations,
    settings: Any,
    *,
    offered: list[str],
    assumed: str,
    version: str,
    subprotocol: str | None,
) -> None:
    settings.OCPP_ASSUME_SUBPROTOCOL = assumed

    found = await admission.admit(handshake(offered=offered))

    assert found == Admitted(stations.rows["CP-1"], version, subprotocol)


@pytest.mark.parametrize(("mode", "status", "code"), [("close", 101, 1002), ("refuse", 400, 400)])
@pytest.mark.parametrize(("offered", "named"), [([], "did not ask"), (["ocpp1.2", "soap"], "ocpp1.2, soap")])
async def test_a_station_without_a_common_version_is_refused(
    settings: Any, *, mode: str, status: int, code: int, offered: list[str], named: str
) -> None:
    settings.OCPP_NO_COMMON_SUBPROTOCOL = mode
    settings.OCPP_ASSUME_SUBPROTOCOL = "ocpp1.6" if offered else ""

    refusal = await refusal_of(handshake(offered=offered))

    assert (refusal.status, refusal.code) == (status, code)
    assert named in refusal.reason


# --- a refusal, and the first boot --------------------------------------------------------------------------


def test_a_refusal_has_its_reason_as_text_and_no_more_than_it_was_given() -> None:
    plain = Refusal(404, "Not here.")
    marked = Refusal(429, "Wait.", can_be_accepted=True, security="Type", is_repeated=True)

    assert (str(plain), plain.status, plain.code, plain.reason) == ("Not here.", 404, 404, "Not here.")
    assert (plain.security, plain.can_be_accepted, plain.is_repeated) == ("", False, False)
    assert (marked.security, marked.can_be_accepted, marked.is_repeated) == ("Type", True, True)


async def test_the_first_boot_adds_the_row(stations: Stations) -> None:
    entered = await admission.enter(handshake("NEW"))

    assert entered is stations.rows["NEW"]
    assert await admission.find("NEW") is entered
    assert await admission.register("NEW") is entered
    assert await admission.find("OTHER") is None


async def test_a_row_with_a_password_that_was_added_meanwhile_asks_for_it(stations: Stations) -> None:
    stations.rows["NEW"] = Row("NEW", password_hash=HASH)

    with pytest.raises(Refusal) as caught:
        await admission.enter(handshake("NEW"))

    assert caught.value.security == "FailedStationLogin"
    assert await admission.enter(handshake("NEW", authorization=basic("NEW", PASSWORD)))


async def test_beyond_the_limit_of_registrations_the_first_boot_adds_nothing(stations: Stations) -> None:
    stations.is_full = True

    with pytest.raises(Refusal) as caught:
        await admission.enter(handshake("NEW"))

    assert (caught.value.status, caught.value.security) == (404, "")
    assert "50,000" in caught.value.reason


async def test_a_refusal_is_stored_with_its_handshake(stations: Stations) -> None:
    tried, refusal = handshake(), Refusal(404, "Not here.")

    await admission.record(tried, refusal)

    assert stations.recorded == [(tried, refusal)]
