"""The same question has the same answer in every process: with warm caches, with cold ones, and over REST."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, note
from hypothesis import strategies as st

from accounts.models import Contract, Member, Token, TokenGroup, User
from accounts.services import api_keys
from chargepoints.models import ChargePoint, Site
from ocpp_server.protocol.translate import IdToken, Place, status_2x, status_16
from ocpp_server.protocol.versions import V16, V201
from ocpp_server.storage.journal import journal
from tests.api.conftest import Caller
from tests.direct import process
from tests.direct.accounts import a_token
from tests.direct.properties import searched, searched_for_long
from tests.direct.station import DirectStation
from transactions.models import AccessRule
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import decide, decide_now

pytestmark = pytest.mark.django_db(transaction=True)

_numbers = itertools.count(1)

# -- the rows ----------------------------------------------------------------------------------------------

# Begin and end in days from now; None is no limit.
periods = st.sampled_from([(None, None)] * 4 + [(-2, -1), (None, -1), (-1, 1), (1, 2), (1, None)])
limits = st.sampled_from([None, None, None, 0, 1000])
budgets = {"energy_wh_per_day": limits, "energy_wh_per_month": limits}
# Most are in order: else the first reason hides all others.
token_statuses = st.sampled_from([*["active"] * 6, "blocked", "lost", "expired", "invalid"])
tokens = st.fixed_dictionaries(
    {
        "status": token_statuses,
        "valid": st.sampled_from([True, True, True, False]),
        "period": periods,
        "is_master": st.sampled_from([False, False, False, True]),
        "in_group": st.booleans(),
        "on_contract": st.booleans(),
        "of_person": st.booleans(),
        **budgets,
    }
)
contracts = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["active"] * 4 + ["suspended", "expired", "terminated"]),
        "period": periods,
        **budgets,
    }
)
persons = st.sampled_from(["active", "active", "active", "suspended", "closed"])
memberships = st.sampled_from(
    [None, ("owner", "active"), ("member", "active"), ("viewer", "active"), ("member", "invited")]
)
# The subject, the place and the effect of a rule.
rules = st.dictionaries(
    st.tuples(
        st.sampled_from(["token", "group", "contract"]),
        st.sampled_from(["here", "site", "another station", "another site"]),
    ),
    st.sampled_from(["allow", "refuse"]),
    max_size=2,
)
# A change after the first question, which has filled the caches.
changes = st.sampled_from(
    ["nothing", "token", "other token", "contract", "person", "member", "group", "rule", "no rules", "charge"]
)
worlds = st.fixed_dictionaries(
    {
        "tokens": st.lists(tokens, min_size=0, max_size=2),
        "types": st.permutations(["RFID", "APP_USER", "OTHER"]),
        "contract": contracts,
        "group_contract": st.booleans(),
        "person": persons,
        "member": memberships,
        "rules": rules,
        "unknown_tokens": st.sampled_from(["", "", "accept", "refuse"]),
        "charging_elsewhere": st.booleans(),
        "change": changes,
        "token_after": tokens,
        "contract_after": contracts,
        "person_after": persons,
        "member_after": memberships,
        "rule_after": st.sampled_from(["allow", "refuse"]),
        "group_limit": st.sampled_from([0, 1]),
    }
)


def in_days(days: int | None) -> Any:
    return None if days is None else timezone.now() + timedelta(days=days)


class World:
    """The rows about one uid, which no other example has."""

    def __init__(self, drawn: dict[str, Any], here: ChargePoint, elsewhere: ChargePoint, number: int) -> None:
        self.drawn, self.here, self.elsewhere, self.number = drawn, here, elsewhere, number
        self.uid = f"CARD-{number}"

    def create(self) -> None:
        number, drawn = self.number, self.drawn
        self.person = User.objects.create(username=f"u{number}", status=drawn["person"])
        self.contract = Contract(contract_id=f"C-{number}")
        self.write_contract(drawn["contract"])
        self.group = None
        if drawn["group_contract"]:
            self.group = TokenGroup.objects.create(group_id=f"G-{number}", contract=self.contract)
        self.write_member(drawn["member"])
        self.tokens = [Token(uid=self.uid, type=type) for type in drawn["types"][: len(drawn["tokens"])]]
        for token, wanted in zip(self.tokens, drawn["tokens"], strict=True):
            self.write_token(token, wanted)
        for (subject, place), effect in drawn["rules"].items():
            self.write_rule(subject, place, effect)

    def write_token(self, token: Token, wanted: dict[str, Any]) -> None:
        columns = dict(wanted)
        token.group_id = f"g-{self.number}" if columns.pop("in_group") else ""
        token.contract = self.contract if columns.pop("on_contract") else None
        token.user = self.person if columns.pop("of_person") else None
        token.valid_from, token.expires_at = map(in_days, columns.pop("period"))
        for name, value in columns.items():
            setattr(token, name, value)
        token.save()

    def write_contract(self, wanted: dict[str, Any]) -> None:
        columns = dict(wanted)
        self.contract.valid_from, self.contract.valid_until = map(in_days, columns.pop("period"))
        for name, value in columns.items():
            setattr(self.contract, name, value)
        self.contract.save()

    def write_member(self, wanted: tuple[str, str] | None) -> None:
        Member.objects.filter(contract=self.contract).delete()
        if wanted is not None:
            role, status = wanted
            Member.objects.create(contract=self.contract, user=self.person, role=role, status=status)

    def write_rule(self, subject: str, place: str, effect: str) -> None:
        of = {
            "token": self.tokens[0] if self.tokens else None,
            "group": self.group,
            "contract": self.contract,
        }[subject]
        where: dict[str, Any] = {
            "here": {"charge_point": self.here},
            "site": {"site": self.here.site},
            "another station": {"charge_point": self.elsewhere},
            "another site": {"site": self.elsewhere.site},
        }[place]
        if of is not None:
            AccessRule.objects.update_or_create(**{subject: of}, **where, defaults={"effect": effect})

    def change(self) -> None:
        """Change a row, as a request of another process does."""
        drawn = self.drawn
        match drawn["change"]:
            case "token" if self.tokens:
                self.write_token(self.tokens[0], drawn["token_after"])
            case "other token":
                self.tokens.append(Token(uid=self.uid.lower(), type=Token.Type.AD_HOC_USER))
                self.write_token(self.tokens[-1], drawn["token_after"])
            case "contract":
                self.write_contract(drawn["contract_after"])
            case "person":
                self.person.status = drawn["person_after"]
                self.person.save()
            case "member":
                self.write_member(drawn["member_after"])
            case "group" if self.group is None:
                self.group = TokenGroup.objects.create(group_id=f"G-{self.number}", contract=self.contract)
            case "group":
                self.group.delete()
            case "rule":
                self.write_rule("token", "here", drawn["rule_after"])
            case "no rules":
                for rule in AccessRule.objects.filter(contract=self.contract):
                    rule.delete()
                for rule in AccessRule.objects.filter(token__in=self.tokens):
                    rule.delete()


# -- the question ------------------------------------------------------------------------------------------

Answer = tuple[str, str]  # the status in the words of 1.6, and the reason


async def asked_here(station: DirectStation, uid: str, purpose: Purpose) -> Answer:
    """The rule of a start or an Authorize, with the caches of this process. Leaves no trace."""
    decided = await decide(station=station.station, token=IdToken(uid), place=Place(1, 1), purpose=purpose)
    station.station.unit.clear()
    station.station.used_tokens.clear()
    if purpose is Purpose.IDENTIFY:
        wanted = (status_16 if station.is_16 else status_2x)(decided.verdict)
        assert (await station.authorize(uid, "Central"))["status"] == wanted
    return status_16(decided.verdict), decided.reason


async def asked_of_the_database(charge_point: ChargePoint, uid: str, purpose: Purpose) -> Answer:
    decided = await journal.run(
        decide_now, uid=uid, charge_point=charge_point, evse_number=1, purpose=purpose
    )
    return status_16(decided.verdict), decided.reason


async def asked_over_rest(operator: Caller, charge_point: ChargePoint, uid: str, purpose: Purpose) -> Answer:
    asked = {
        "id_tag": uid,
        "charge_point_id": charge_point.identity,
        "connector_id": 1,
        "purpose": purpose.value,
    }
    answer = await journal.run(operator.post, "/api/v1/authorize", asked)
    assert answer.status_code == 200, answer.answer
    return answer.info["status"], answer.info.get("reason", "")


async def is_one(version: str, drawn: dict[str, Any], operator: Caller) -> tuple[Answer, Answer]:
    """Ask everywhere after the change. Returns the answers about a start before and after it."""
    number = next(_numbers)
    stations = []
    for name in ("here", "elsewhere"):
        site = await journal.run(Site.objects.create, name=f"{name}-{number}")
        rule = {"unknown_tokens": drawn["unknown_tokens"]} if name == "here" else {}
        stations.append(await DirectStation.create(version, f"{name}-{number}", site=site, **rule))
    here, elsewhere = stations
    rows = [await journal.run(ChargePoint.objects.select_related("site").get, pk=one.pk) for one in stations]
    world = World(drawn, rows[0], rows[1], number)
    await journal.run(world.create)
    before = [await asked_here(here, world.uid, purpose) for purpose in (Purpose.START, Purpose.IDENTIFY)]
    if drawn["charging_elsewhere"]:
        await elsewhere.start(world.uid)
    await journal.run(world.change)
    if drawn["change"] == "charge":
        begun = await elsewhere.start(world.uid, 2)
        await elsewhere.stop(begun, world.uid, 1000)

    after = []
    for purpose in (Purpose.START, Purpose.IDENTIFY):
        warm = await asked_here(here, world.uid, purpose)
        by_database = await asked_of_the_database(rows[0], world.uid, purpose)
        over_rest = await asked_over_rest(operator, rows[0], world.uid, purpose)
        await process.restart()
        for one in stations:
            await one.reload()
        cold = await asked_here(here, world.uid, purpose)
        assert cold == warm == by_database == over_rest
        after.append(warm)
    for one in stations:
        await one.close()
    return before[0], after[0]


@pytest.fixture
def operator(db: None) -> Caller:
    return Caller(api_keys.create(name="operator", role=User.Role.OPERATOR)[1])


@pytest.mark.parametrize("version", [V16, V201])
@searched(25)
@given(worlds)
async def test_the_answer_is_the_same_in_every_process(
    engine: None, operator: Caller, settings: Any, version: str, drawn: dict[str, Any]
) -> None:
    settings.OCPP_GROUP_CONCURRENT_TX = drawn["group_limit"]
    note(repr(drawn))
    await is_one(version, drawn, operator)


@pytest.mark.parametrize("version", [V16, V201])
@searched_for_long(300)
@given(worlds)
async def test_the_answer_is_the_same_in_every_process_for_long(
    engine: None, operator: Caller, settings: Any, version: str, drawn: dict[str, Any]
) -> None:
    settings.OCPP_GROUP_CONCURRENT_TX = drawn["group_limit"]
    note(repr(drawn))
    await is_one(version, drawn, operator)


# A world in which the token may charge, on a contract with an owner and a group.
TOKEN = {
    "status": "active",
    "valid": True,
    "period": (None, None),
    "is_master": False,
    "in_group": True,
    "on_contract": True,
    "of_person": True,
    "energy_wh_per_day": None,
    "energy_wh_per_month": None,
}
CONTRACT = {
    "status": "active",
    "period": (None, None),
    "energy_wh_per_day": None,
    "energy_wh_per_month": None,
}
ORDERLY = {
    "tokens": [TOKEN],
    "types": ["RFID", "APP_USER", "OTHER"],
    "contract": CONTRACT,
    "group_contract": True,
    "person": "active",
    "member": ("owner", "active"),
    "rules": {},
    "unknown_tokens": "",
    "charging_elsewhere": False,
    "token_after": TOKEN | {"status": "blocked"},
    "contract_after": CONTRACT | {"status": "suspended"},
    "person_after": "suspended",
    "member_after": None,
    "rule_after": "refuse",
}


@pytest.mark.parametrize(
    ("change", "more"),
    [
        ("token", {}),
        ("other token", {"tokens": [], "token_after": TOKEN}),
        ("contract", {}),
        ("person", {}),
        ("member", {}),
        ("group", {"tokens": [TOKEN | {"on_contract": False}], "rules": {("group", "here"): "refuse"}}),
        ("rule", {}),
        ("no rules", {"rules": {("contract", "here"): "refuse"}}),
        ("no rules", {"rules": {("token", "site"): "refuse"}}),
        ("charge", {"tokens": [TOKEN | {"energy_wh_per_day": 1000}]}),
        ("charge", {"contract": CONTRACT | {"energy_wh_per_month": 1000}}),
        ("nothing", {"charging_elsewhere": True}),
    ],
)
async def test_a_change_of_any_row_counts_in_every_process_at_once(
    engine: None, operator: Caller, change: str, more: dict[str, Any]
) -> None:
    before, after = await is_one(V201, ORDERLY | {"change": change} | more, operator)

    assert before != after


@pytest.mark.parametrize("version", [V16, V201])
async def test_a_token_that_may_be_stopping_is_identified_without_its_budget_everywhere(
    engine: None, version: str
) -> None:
    here, there = [await DirectStation.create(version, identity) for identity in ("here", "there")]
    rows = [await journal.run(ChargePoint.objects.get, pk=one.pk) for one in (here, there)]
    token = await journal.run(a_token, "CARD", group_id="family")
    await journal.run(a_token, "SISTER", group_id="Family", energy_wh_per_month=0)
    await journal.run(a_token, "MASTER", is_master=True, energy_wh_per_month=0)
    await here.start("CARD")
    token.energy_wh_per_month = 0
    await journal.run(token.save)

    found = {
        (uid, row.identity): (
            (await asked_here(station, uid, Purpose.IDENTIFY))[0],
            (await asked_of_the_database(row, uid, Purpose.IDENTIFY))[0],
        )
        for uid in ("CARD", "SISTER", "MASTER")
        for station, row in zip((here, there), rows, strict=True)
    }

    refused = {("CARD", "there"), ("SISTER", "there")}
    assert found == {key: (("Invalid",) if key in refused else ("Accepted",)) * 2 for key in found}
