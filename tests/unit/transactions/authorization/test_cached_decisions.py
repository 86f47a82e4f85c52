"""A cached token is forgotten by every way in which something that decides about it can change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Contract, Member, Person, Token, TokenGroup, UnknownToken, User
from accounts.services import (
    contracts,
    membership,
    people,
    token_groups,
    token_import,
    tokens,
    unknown_tokens,
)
from accounts.views.token_files import check
from chargepoints.models import ChargePoint, Site
from ocpp_server import live
from ocpp_server.protocol.versions import V201
from tests.direct.accounts import a_contract, a_person, a_token
from transactions.models import AccessRule
from transactions.services import privacy
from transactions.services.authorization import access_rules

pytestmark = pytest.mark.django_db(transaction=True)

ACCEPTED, BLOCKED, INVALID, UNKNOWN = "Accepted", "Blocked", "Invalid", "Unknown"
ELSEWHERE = "NotAtThisLocation"


class Way(NamedTuple):
    """A way to change a decision: what is there before, the change, and both decisions."""

    name: str
    given: Callable[[], Any]
    change: Callable[[], Any]
    before: str
    after: str


def imported(text: str) -> None:
    header, *rows = (line.split(",") for line in text.split("\n"))
    numbered = [(number, dict(zip(header, row, strict=True))) for number, row in enumerate(rows, start=2)]
    job = token_import.start(numbered, check=check, file_name="t.csv", actor="a", is_preview=False)
    assert (job.state, job.problems) == ("done", [])


def the_token() -> Token:
    return Token.objects.get(uid="CARD")


def a_member() -> None:
    alice, contract = a_person(), a_contract(owner=a_person("Bob"))
    Member.objects.create(contract=contract, user=alice, role=Member.Role.MEMBER)
    a_token("CARD", user=alice, contract=contract)


def a_grouped_token(**more: Any) -> None:
    TokenGroup.objects.create(group_id="FAMILY", contract=a_contract(**more))
    a_token("CARD", group_id="FAMILY")


def refused_for(subject: str) -> None:
    a_grouped_token()
    rule(subject)


def rule(subject: str = "token") -> AccessRule:
    who = {"token": Token, "group": TokenGroup, "contract": Contract}[subject].objects.get()
    return access_rules.create(effect="refuse", charge_point=ChargePoint.objects.get(), **{subject: who})


def refused_at_the_site() -> None:
    access_rules.create(effect="refuse", token=a_token("CARD"), site=Site.objects.get())


def one_more_member() -> Member:
    return Member.objects.get(user__name="Alice")


def suspend_in_the_admin() -> None:
    person = Person.objects.get(name="Alice")
    person.status = User.Status.SUSPENDED
    person.save()


def demote_in_the_admin() -> None:
    member = one_more_member()
    member.role = Member.Role.VIEWER
    member.save()


WAYS = [
    Way("token-created", lambda: None, lambda: tokens.create(uid="CARD"), UNKNOWN, ACCEPTED),
    Way("token-from-the-inbox", lambda: None,
        lambda: unknown_tokens.add(UnknownToken.objects.get()), UNKNOWN, ACCEPTED),
    Way("token-imported", lambda: None, lambda: imported("uid\nCARD"), UNKNOWN, ACCEPTED),
    Way("token-changed-by-an-import", lambda: a_token("CARD"),
        lambda: imported("uid,status\nCARD,blocked"), ACCEPTED, BLOCKED),
    Way("token-blocked", lambda: a_token("CARD"), lambda: tokens.block(the_token()), ACCEPTED, BLOCKED),
    Way("token-unblocked", lambda: a_token("CARD", status="blocked"),
        lambda: tokens.unblock(the_token()), BLOCKED, ACCEPTED),
    Way("token-invalidated", lambda: a_token("CARD"),
        lambda: tokens.invalidate(the_token()), ACCEPTED, INVALID),
    Way("token-of-a-new-uid", lambda: a_token("CARD"),
        lambda: tokens.update(the_token(), uid="OTHER"), ACCEPTED, UNKNOWN),
    Way("token-gets-the-uid", lambda: a_token("OTHER"),
        lambda: tokens.update(Token.objects.get(), uid="CARD"), UNKNOWN, ACCEPTED),
    Way("token-deleted", lambda: a_token("CARD"), lambda: the_token().delete(), ACCEPTED, UNKNOWN),
    Way("token-without-budget", lambda: a_token("CARD"),
        lambda: tokens.update(the_token(), energy_wh_per_day=0), ACCEPTED, "NoCredit"),
    Way("token-from-tomorrow", lambda: a_token("CARD"),
        lambda: tokens.update(the_token(), valid_from=timezone.now() + timedelta(days=1)),
        ACCEPTED, "NotAtThisTime"),
    Way("person-suspended", a_member,
        lambda: people.update(User.objects.get(name="Alice"), status="suspended"), ACCEPTED, BLOCKED),
    Way("person-saved-in-the-admin", a_member, suspend_in_the_admin, ACCEPTED, BLOCKED),
    Way("person-erased", lambda: a_token("CARD", user=a_person()),
        lambda: privacy.erase(User.objects.get()), ACCEPTED, UNKNOWN),
    Way("member-demoted", a_member,
        lambda: membership.change(one_more_member(), role="viewer"), ACCEPTED, INVALID),
    Way("member-saved-in-the-admin", a_member, demote_in_the_admin, ACCEPTED, INVALID),
    Way("member-removed", a_member, lambda: membership.remove(one_more_member()), ACCEPTED, INVALID),
    Way("contract-suspended", a_member,
        lambda: contracts.update(Contract.objects.get(), status="suspended"), ACCEPTED, BLOCKED),
    Way("contract-without-budget", a_member,
        lambda: contracts.update(Contract.objects.get(), energy_wh_per_month=0), ACCEPTED, "NoCredit"),
    Way("group-created", lambda: a_token("CARD", group_id=a_contract("G", status="suspended").contract_id),
        lambda: token_groups.create(contract=Contract.objects.get(), group_id="G"), ACCEPTED, BLOCKED),
    Way("group-deleted", lambda: refused_for("group"),
        lambda: token_groups.delete(TokenGroup.objects.get()), ELSEWHERE, ACCEPTED),
    Way("group-deleted-in-the-admin", lambda: a_grouped_token(status="suspended"),
        lambda: TokenGroup.objects.get().delete(), BLOCKED, ACCEPTED),
    *[Way(f"rule-for-the-{subject}-created", a_grouped_token, lambda s=subject: rule(s),  # type: ignore[misc]
          ACCEPTED, ELSEWHERE) for subject in ("token", "group", "contract")],
    *[Way(f"rule-for-the-{subject}-changed", lambda s=subject: refused_for(s),  # type: ignore[misc]
          lambda: access_rules.update(AccessRule.objects.get(), effect="allow"), ELSEWHERE, ACCEPTED)
      for subject in ("token", "group", "contract")],
    Way("rule-deleted", lambda: refused_for("token"),
        lambda: access_rules.delete(AccessRule.objects.get()), ELSEWHERE, ACCEPTED),
    Way("rules-deleted-in-the-admin", lambda: refused_for("token"),
        lambda: AccessRule.objects.all().delete(), ELSEWHERE, ACCEPTED),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
async def test_the_next_decision_knows_the_change(station: Any, run_orm: Any, way: Way) -> None:
    charger = await station(V201, site="Depot")
    await run_orm(way.given)

    before = await charger.authorize("CARD")
    await run_orm(way.change)
    after = await charger.authorize("CARD")

    assert (before["status"], after["status"]) == (way.before, way.after)


async def test_the_rules_of_a_deleted_site_are_forgotten_with_it(station: Any, run_orm: Any) -> None:
    charger = await station(V201, site="Depot")
    await run_orm(refused_at_the_site)
    before = await charger.authorize("CARD")

    def delete() -> None:
        ChargePoint.objects.update(site=None)
        Site.objects.get().delete()

    await run_orm(delete)
    after = await charger.authorize("CARD")

    assert (before["status"], after["status"]) == (ELSEWHERE, ACCEPTED)


def _cached() -> set[str]:
    return set(live.state()._tokens)  # type: ignore[attr-defined]  # the cache of this process


@pytest.mark.parametrize(
    "change",
    [
        lambda: tokens.block(the_token()),
        lambda: the_token().delete(),
        lambda: people.update(User.objects.get(), status="suspended"),
        lambda: imported("uid,status\nCARD,blocked"),
    ],
    ids=["token", "deleted", "person", "import"],
)
def test_the_cache_is_dropped_after_the_commit_and_not_before(
    change: Callable[[], Any], engine: None
) -> None:
    """A decision before the commit would read the old row and cache it again."""
    with transaction.atomic():
        a_token("CARD", user=a_person())
    live.state()._tokens["card"] = (0.0, ())  # type: ignore[attr-defined]

    with transaction.atomic():
        change()
        during = _cached()

    assert (during, _cached()) == ({"card"}, set())
