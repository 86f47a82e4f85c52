"""The refusal matrix: every reason in every version, at Authorize and at the start, with its sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.utils import timezone

from accounts.models import Contract, Member, TokenGroup, User
from chargepoints.models import ChargePoint, Site
from ocpp_server.protocol.versions import V16, VERSIONS
from tests.direct.accounts import a_contract, a_person, a_token
from transactions.models import AccessRule, Refusal, Transaction

pytestmark = pytest.mark.django_db(transaction=True)


def soon() -> Any:
    return timezone.now() + timedelta(days=1)


def before() -> Any:
    return timezone.now() - timedelta(days=1)


def on_contract(**more: Any) -> None:
    alice = a_person()
    a_token(user=alice, contract=a_contract(owner=alice, **more))


def as_member(role: str, status: str = "active") -> None:
    alice = a_person()
    contract = a_contract(owner=a_person("Bob"))
    Member.objects.create(contract=contract, user=alice, role=role, status=status)
    a_token(user=alice, contract=contract)


def ruled(effect: str, subject: str, place: str) -> None:
    """A rule about a place: `here` is the station, `site` its site, `elsewhere` another site."""
    contract = a_contract(owner=a_person())
    group = TokenGroup.objects.create(group_id="FAMILY", contract=contract)
    token = a_token(contract=contract, group_id="family")
    places: dict[str, Any] = {
        "here": lambda: [{"charge_point": row} for row in ChargePoint.objects.all()],
        "site": lambda: [{"site": Site.objects.get(name="Depot")}],
        "elsewhere": lambda: [{"site": Site.objects.create(name="Elsewhere")}],
    }[place]()
    who = {"token": token, "group": group, "contract": contract}[subject]
    for where in places:
        AccessRule.objects.create(effect=effect, **{subject: who}, **where)


def contradicted() -> None:
    ruled("allow", "contract", "site")
    token = Contract.objects.get().tokens.get()
    for station in ChargePoint.objects.all():
        AccessRule.objects.create(effect="refuse", token=token, charge_point=station)


class Case(NamedTuple):
    name: str
    given: Callable[[], Any]
    in_16: str
    in_2x: str
    says: str


CASES = [
    Case("unknown", lambda: None, "Invalid", "Unknown", "Unknown token."),
    Case("active", a_token, "Accepted", "Accepted", ""),
    Case("blocked", lambda: a_token(status="blocked"), "Blocked", "Blocked", "The token is blocked."),
    Case("lost", lambda: a_token(status="lost"), "Blocked", "Blocked", "The token was reported lost."),
    Case("expired", lambda: a_token(status="expired"), "Expired", "Expired", "The token has expired."),
    Case("past", lambda: a_token(expires_at=before()), "Expired", "Expired", "The token has expired."),
    Case("invalid", lambda: a_token(status="invalid"), "Invalid", "Invalid", "marked as invalid"),
    Case("not-valid", lambda: a_token(valid=False), "Invalid", "Invalid", "marked as invalid"),
    Case("not-yet", lambda: a_token(valid_from=soon()), "Invalid", "NotAtThisTime", "not valid yet"),
    Case("within", lambda: a_token(valid_from=before(), expires_at=soon()), "Accepted", "Accepted", ""),
    Case("blocked-first", lambda: a_token(status="blocked", expires_at=before(), valid=False),
         "Blocked", "Blocked", "blocked"),
    Case("expired-second", lambda: a_token(expires_at=before(), valid=False),
         "Expired", "Expired", "expired"),
    Case("suspended-user", lambda: a_token(user=a_person(status="suspended")),
         "Blocked", "Blocked", "suspended"),
    Case("closed-user", lambda: a_token(user=a_person(status="closed")),
         "Blocked", "Blocked", "closed"),
    Case("active-user", lambda: a_token(user=a_person()), "Accepted", "Accepted", ""),
    Case("contract", on_contract, "Accepted", "Accepted", ""),
    Case("contract-suspended", lambda: on_contract(status="suspended"),
         "Blocked", "Blocked", "C-1 is suspended"),
    Case("contract-terminated", lambda: on_contract(status="terminated"),
         "Blocked", "Blocked", "C-1 is terminated"),
    Case("contract-expired", lambda: on_contract(status="expired"), "Expired", "Expired", "C-1 has expired"),
    Case("contract-over", lambda: on_contract(valid_until=before()), "Expired", "Expired", "C-1 has expired"),
    Case("contract-ahead", lambda: on_contract(valid_from=soon()), "Invalid", "NotAtThisTime", "not begun"),
    Case("member", lambda: as_member("member"), "Accepted", "Accepted", ""),
    Case("viewer", lambda: as_member("viewer"), "Invalid", "Invalid", "may not charge"),
    Case("invited", lambda: as_member("member", "invited"), "Invalid", "Invalid", "invitation"),
    Case("removed", lambda: as_member("member", "removed"), "Invalid", "Invalid", "has left the contract"),
    Case("stranger", lambda: a_token(user=a_person(), contract=a_contract(owner=a_person("Bob"))),
         "Invalid", "Invalid", "not a member"),
    Case("company-card", lambda: a_token(contract=a_contract(owner=a_person())), "Accepted", "Accepted", ""),
    *[Case(f"refused-{subject}-{place}", lambda s=subject, p=place: ruled("refuse", s, p),  # type: ignore[misc]
           "Invalid", "NotAtThisLocation", "refuses the token here")
      for subject in ("token", "group", "contract") for place in ("here", "site")],
    *[Case(f"allowed-{subject}-{place}", lambda s=subject, p=place: ruled("allow", s, p),  # type: ignore[misc]
           "Accepted", "Accepted", "")
      for subject in ("token", "group", "contract") for place in ("here", "site")],
    *[Case(f"allowed-elsewhere-{subject}", lambda s=subject: ruled("allow", s, "elsewhere"),  # type: ignore[misc]
           "Invalid", "NotAtThisLocation", "only elsewhere")
      for subject in ("token", "group", "contract")],
    Case("refused-elsewhere", lambda: ruled("refuse", "token", "elsewhere"), "Accepted", "Accepted", ""),
    Case("refusal-wins", contradicted, "Invalid", "NotAtThisLocation", "refuses the token here"),
    Case("no-credit", lambda: a_token(energy_wh_per_day=0),
         "Invalid", "NoCredit", "budget for the day is used up"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_every_reason_has_its_status_in_every_version_and_its_sentence(
    station: Any, run_orm: Any, settings: Any, case: Case
) -> None:
    settings.OCPP_CONCURRENT_TX = "allow"
    chargers = {version: await station(version, identity=version, site="Depot") for version in VERSIONS}
    await run_orm(case.given)

    answers = {
        version: ((await charger.authorize("card"))["status"], (await charger.start("CARD"))["status"])
        for version, charger in chargers.items()
    }

    for version, statuses in answers.items():
        wanted = case.in_16 if version == V16 else case.in_2x
        assert statuses == (wanted, wanted), version
    sessions = await run_orm(lambda: list(Transaction.objects.all()))
    assert {session.authorization_status for session in sessions} == {case.in_16}
    assert all(case.says in session.authorization_reason for session in sessions)
    kept = await run_orm(lambda: list(Refusal.objects.values_list("purpose", "status", "reason")))
    if case.in_16 == "Accepted":
        assert kept == [] and {session.authorization_reason for session in sessions} == {""}
    else:
        assert sorted(purpose for purpose, _, _ in kept) == ["authorize"] * 3 + ["start"] * 3
        assert {status for _, status, _ in kept} == {case.in_2x}
        assert all(case.says in reason for _, _, reason in kept)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("given", "wanted"), [(None, "Accepted"), ("active", "Accepted"), ("blocked", "Blocked")]
)
async def test_a_free_vend_station_refuses_only_tokens_that_an_operator_refused(
    station: Any, run_orm: Any, version: str, given: str | None, wanted: str
) -> None:
    charger = await station(version, unknown_tokens="accept")
    if given:
        await run_orm(a_token, status=given)

    answer = await charger.authorize("CARD")

    assert answer["status"] == wanted


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_stop_of_a_suspended_member_is_still_stored(
    station: Any, run_orm: Any, version: str
) -> None:
    charger = await station(version)
    alice = await run_orm(a_person)
    await run_orm(a_token, user=alice)
    begun = await charger.start("CARD")

    def suspend() -> None:
        alice.status = User.Status.SUSPENDED
        alice.save()

    await run_orm(suspend)
    ended = await charger.stop(begun, "CARD", 500)

    session = await run_orm(Transaction.objects.get)
    assert ended["status"] == "Blocked"
    assert (session.status, session.energy_wh) == ("ended", 500)
