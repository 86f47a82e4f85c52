"""The inbox of unknown tokens, and the creation of access rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Contract, Token, TokenGroup, UnknownToken
from chargepoints.models import ChargePoint, Site
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code
from ocpp_server.protocol.translate import IdToken
from ocpp_server.protocol.versions import V201
from tests.direct.accounts import a_contract, a_token
from transactions.models import AccessRule
from transactions.services.authorization import access_rules, unknown_tokens
from transactions.services.authorization.decision import decide

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


# -- the inbox -----------------------------------------------------------------------------------------------


def test_a_token_is_noted_once_with_its_first_spelling_and_its_last_place() -> None:
    unknown_tokens.note("Card", "CP-1", NOON)
    unknown_tokens.note(" CARD", "CP-2", NOON + timedelta(hours=1))
    unknown_tokens.note("card", "CP-3", NOON + timedelta(hours=2))

    row = UnknownToken.objects.get()
    assert (row.uid, row.uid_key, row.count) == ("Card", "card", 3)
    assert (row.first_seen_at, row.last_seen_at) == (NOON, NOON + timedelta(hours=2))
    assert row.last_seen_where == "CP-3"


def test_a_new_token_is_counted_once() -> None:
    unknown_tokens.note("CARD", "CP-1", NOON)

    assert UnknownToken.objects.get().count == 1


def test_long_texts_are_cut_to_their_columns_and_counted_as_one() -> None:
    """SQLite would not notice texts that are too long; PostgreSQL refuses them."""
    for end in ("A", "B"):
        unknown_tokens.note("x" * 255 + end, "P" * 301, NOON)

    row = UnknownToken.objects.get()
    assert (row.uid, row.uid_key, row.last_seen_where) == ("x" * 255, "x" * 255, "P" * 300)
    assert row.count == 2


def test_a_full_inbox_forgets_the_token_that_was_seen_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unknown_tokens.MAX_UNKNOWN == 10_000
    monkeypatch.setattr(unknown_tokens, "MAX_UNKNOWN", 3)
    for hour, uid in enumerate(("A", "B", "C")):
        unknown_tokens.note(uid, "CP-1", NOON + timedelta(hours=hour))
    unknown_tokens.note("A", "CP-1", NOON + timedelta(hours=3))

    unknown_tokens.note("D", "CP-1", NOON + timedelta(hours=4))

    assert set(UnknownToken.objects.values_list("uid", flat=True)) == {"A", "C", "D"}


def test_a_token_that_another_process_notes_at_the_same_moment_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count = UnknownToken.objects.count

    def other_process() -> int:
        UnknownToken.objects.create(
            uid="card", uid_key="card", last_seen_where="CP-9", first_seen_at=NOON, last_seen_at=NOON
        )
        return count()

    monkeypatch.setattr(UnknownToken.objects, "count", other_process)

    unknown_tokens.note("CARD", "CP-1", NOON + timedelta(hours=1))

    row = UnknownToken.objects.get()
    assert (row.uid, row.count, row.last_seen_where) == ("card", 2, "CP-1")
    assert row.last_seen_at == NOON + timedelta(hours=1)


@pytest.mark.django_db(transaction=True)
async def test_a_decision_notes_an_unknown_token_with_its_station(station: Any, run_orm: Any) -> None:
    strict, free = await station(V201), await station(V201, "CP-2", unknown_tokens="accept")
    for charger, uid in ((strict, "NEW"), (strict, " "), (free, "FREE")):
        charger.station.received_at = NOON
        await decide(station=charger.station, token=IdToken(uid))

    row = await run_orm(UnknownToken.objects.get)
    assert (row.uid, row.last_seen_where, row.first_seen_at) == ("NEW", "CP-1", NOON)


# -- access rules --------------------------------------------------------------------------------------------


def subjects() -> dict[str, Any]:
    contract = a_contract()
    return {
        "token": a_token(),
        "group": TokenGroup.objects.create(group_id="G", contract=contract),
        "contract": contract,
    }


def places() -> dict[str, Any]:
    return {
        "charge_point": ChargePoint.objects.create(identity="CP-1"),
        "site": Site.objects.create(name="D"),
    }


@pytest.mark.parametrize("subject", ["token", "group", "contract"])
@pytest.mark.parametrize("place", ["charge_point", "site"])
def test_a_rule_has_one_subject_and_one_place(subject: str, place: str) -> None:
    given = {subject: subjects()[subject], place: places()[place]}
    nothing = dict.fromkeys(("token", "group", "contract", "charge_point", "site"))

    rule = access_rules.create(**{**nothing, **given})

    stored = AccessRule.objects.get(pk=rule.pk)
    assert {name: getattr(stored, name) for name in nothing} == {**nothing, **given}
    assert (stored.effect, stored.note) == ("allow", "")


def test_a_rule_stores_its_effect_and_its_note_without_blanks_around_it() -> None:
    rule = access_rules.create(
        effect="refuse", note=" Private ", token=a_token(), site=Site.objects.create(name="D")
    )
    rule.refresh_from_db()
    assert (rule.effect, rule.note) == ("refuse", "Private")

    changed = access_rules.update(rule, note=" Closed ")
    rule.refresh_from_db()
    assert changed is rule and (rule.effect, rule.note) == ("refuse", "Closed")

    access_rules.update(rule, effect="allow", note="")
    rule.refresh_from_db()
    assert (rule.effect, rule.note) == ("allow", "")


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (("site",), "token_id"),
        (("token", "group", "site"), "token_id"),
        (("token", "contract", "site"), "token_id"),
        (("group", "contract", "site"), "token_id"),
        (("token",), "charge_point_id"),
        (("token", "site", "charge_point"), "charge_point_id"),
        ((), "token_id"),
    ],
)
def test_more_or_less_than_one_of_each_is_refused_with_its_field(wanted: tuple[str, ...], field: str) -> None:
    given = {**subjects(), **places()}

    with pytest.raises(Invalid) as refused:
        access_rules.create(**{name: given[name] for name in wanted})

    assert refused.value.field == field
    assert not AccessRule.objects.exists()


def test_a_second_rule_for_a_subject_and_place_is_refused_and_the_first_stays() -> None:
    token, site = a_token(), Site.objects.create(name="D")
    access_rules.create(token=token, site=site)

    with pytest.raises(Conflict) as refused:
        access_rules.create(token=token, site=site, effect="refuse")

    assert refused.value.code == Code.DUPLICATE
    assert AccessRule.objects.get().effect == "allow"


def test_only_effect_and_note_of_a_rule_can_be_changed() -> None:
    token = a_token()
    rule = access_rules.create(token=token, site=Site.objects.create(name="D"))

    with pytest.raises(TypeError, match="token"):
        access_rules.update(rule, token=token, note="x")
    with pytest.raises(TypeError, match="city"):
        access_rules.create(token=token, city="Graz")

    access_rules.delete(rule)
    assert not AccessRule.objects.exists()
    assert Token.objects.exists() and not Contract.objects.exists()
