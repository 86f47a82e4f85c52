"""Loads tokens into the live state: each with everything that decides whether it may charge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q, Sum
from django.utils import timezone

from accounts.models import Contract, Member, Token, TokenGroup
from ocpp_server.live.records import Budget, Consumption, Places, TokenRecord
from ocpp_server.protocol.translate.energy import mwh_of
from transactions.models import AccessRule, Transaction

# Tokens per query.
_AT_ONCE = 500  # equivalent: any number gives the same tokens


def read_tokens(uid_key: str) -> tuple[TokenRecord, ...]:
    """The tokens with this normalised uid, the oldest first."""
    return read_all_tokens([uid_key])[0]


def read_all_tokens(uid_keys: list[str]) -> list[tuple[TokenRecord, ...]]:
    """The same for all tokens that stations ask about at one moment: two queries, and one more each if some
    have a group or a contract.
    """
    found: dict[str, tuple[TokenRecord, ...]] = dict.fromkeys(uid_keys, ())
    for start in range(0, len(uid_keys), _AT_ONCE):
        some = uid_keys[start : start + _AT_ONCE]
        rows = Token.objects.filter(uid_key__in=some).select_related("user", "contract")
        tokens = list(rows.order_by("id"))
        for token, record in zip(tokens, records_of(tokens), strict=True):
            found[token.uid_key] += (record,)
    return [found[uid_key] for uid_key in uid_keys]


def records_of(tokens: Sequence[Token]) -> list[TokenRecord]:
    """The records of tokens whose user and contract are loaded; at most three queries for all of them."""
    keys = {token.group_id.casefold() for token in tokens if token.group_id}
    rows = TokenGroup.objects.filter(group_key__in=keys).select_related("contract") if keys else ()
    groups = {group.group_key: group for group in rows}
    bearers: list[_Bearer] = []
    for token in tokens:
        group = groups.get(token.group_id.casefold()) if token.group_id else None
        bearers.append(_Bearer(token, group, token.contract or (group.contract if group else None)))
    members = _members(bearers)
    rules = _rules(bearers)
    return [_record(bearer, members, rules) for bearer in bearers]


def read_consumption(subject: str) -> Consumption:
    """The energy of this day and this month. A session counts in the day and the month it began in.

    The database adds floats of Wh: their thousandths have no noise.
    """
    kind, _, pk = subject.partition(":")  # equivalent: a subject has one colon
    owner = {"token": Q(token=pk), "contract": Q(token__contract=pk)}[kind]
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    drawn = Transaction.objects.filter(owner, started_at__gte=midnight.replace(day=1)).aggregate(
        month=Sum("energy_wh"), day=Sum("energy_wh", filter=Q(started_at__gte=midnight))
    )
    return Consumption(midnight.date(), mwh_of(drawn["day"] or 0.0), mwh_of(drawn["month"] or 0.0))


class _Bearer(NamedTuple):
    """A token with the group and the contract that decide about it."""

    token: Token
    group: TokenGroup | None
    contract: Contract | None

    @property
    def subjects(self) -> list[_Subject]:
        rows = (("token", self.token), ("group", self.group), ("contract", self.contract))
        return [(kind, row.pk) for kind, row in rows if row is not None]


# The kind of an access rule's subject, and its primary key.
_Subject = tuple[str, int]
_Members = dict[tuple[int, int], Member]
_Rules = dict[_Subject, list[AccessRule]]


def _members(bearers: Sequence[_Bearer]) -> _Members:
    """The memberships of the tokens' drivers in the tokens' contracts, by contract and user."""
    users = {bearer.token.user_id for bearer in bearers if bearer.token.user_id and bearer.contract}
    if not users:
        return {}
    contracts = {bearer.contract.pk for bearer in bearers if bearer.contract}
    rows = Member.objects.filter(contract__in=contracts, user__in=users)
    return {(row.contract_id, row.user_id): row for row in rows}


def _rules(bearers: Sequence[_Bearer]) -> _Rules:
    """The access rules of the tokens, their groups and their contracts, by subject."""
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for bearer in bearers:
        for kind, pk in bearer.subjects:
            wanted[kind].add(pk)
    if not wanted:
        return {}
    condition = Q()
    for kind, keys in wanted.items():
        condition |= Q(**{f"{kind}__in": keys})
    found: _Rules = {}
    for rule in AccessRule.objects.filter(condition):
        keys_of = (("token", rule.token_id), ("group", rule.group_id), ("contract", rule.contract_id))
        subject = next((kind, pk) for kind, pk in keys_of if pk is not None)
        found.setdefault(subject, []).append(rule)
    return found


def _record(bearer: _Bearer, members: _Members, rules: _Rules) -> TokenRecord:
    token, _, contract = bearer
    refused_at, allowed_at = _places([rules[subject] for subject in bearer.subjects if subject in rules])
    return TokenRecord(
        pk=token.pk,
        uid=token.uid,
        type=token.type,
        status=token.status,
        valid=token.valid,
        expires_at=_earliest(token.expires_at, contract.valid_until if contract else None),
        group_id=token.group_id,
        valid_from=token.valid_from,
        is_master=token.is_master,
        user_status=token.user.status if token.user else "",
        contract_id=contract.contract_id if contract else "",
        contract_status=contract.status if contract else "",
        contract_from=contract.valid_from if contract else None,
        contract_until=contract.valid_until if contract else None,
        bar=_bar(bearer, members),
        refused_at=refused_at,
        allowed_at=allowed_at,
        budgets=tuple(
            Budget(f"{kind}:{owner.pk}", owner.energy_wh_per_day, owner.energy_wh_per_month)
            for kind, owner in (("token", token), ("contract", contract))
            if owner is not None and (owner.energy_wh_per_day, owner.energy_wh_per_month) != (None, None)
        ),
    )


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _bar(bearer: _Bearer, members: _Members) -> str:
    """Why the token's driver may not charge on the contract; empty without such a reason, or a driver."""
    token, _, contract = bearer
    if contract is None or token.user_id is None:
        return ""
    member = members.get((contract.pk, token.user_id))
    if member is None:
        return "stranger"
    if member.status != Member.Status.ACTIVE:
        return member.status
    return member.role if member.role == Member.Role.VIEWER else ""


def _places(by_subject: list[list[AccessRule]]) -> tuple[Places | None, tuple[Places, ...]]:
    """Where the rules refuse the token, and the places that each subject with an allowance is limited to."""
    refusals = [rule for rules in by_subject for rule in rules if rule.effect == AccessRule.Effect.REFUSE]
    allowances = [[rule for rule in rules if rule.effect == AccessRule.Effect.ALLOW] for rules in by_subject]
    return (_of(refusals) if refusals else None), tuple(_of(rules) for rules in allowances if rules)


def _of(rules: list[AccessRule]) -> Places:
    return Places(
        stations=frozenset(rule.charge_point_id for rule in rules if rule.charge_point_id is not None),
        sites=frozenset(rule.site_id for rule in rules if rule.site_id is not None),
    )
