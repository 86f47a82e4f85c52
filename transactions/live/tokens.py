"""Loads tokens into the live state: each with everything that decides whether it may charge."""

from __future__ import annotations

from datetime import datetime

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
    """The same for all tokens that stations ask about at one moment: two queries, and more only for tokens
    with a group, a contract or a rule.
    """
    found: dict[str, list[Token]] = {uid_key: [] for uid_key in uid_keys}
    for start in range(0, len(uid_keys), _AT_ONCE):
        some = uid_keys[start : start + _AT_ONCE]
        for token in Token.objects.filter(uid_key__in=some).select_related("user", "contract").order_by("id"):
            found[token.uid_key].append(token)
    plain = {t.pk for tokens in found.values() for t in tokens if not t.group_id and t.contract is None}
    unruled = plain - set(AccessRule.objects.filter(token__in=plain).values_list("token_id", flat=True))
    records = {
        key: tuple(_record(token, has_rules=token.pk not in unruled) for token in tokens)
        for key, tokens in found.items()
    }
    return [records[uid_key] for uid_key in uid_keys]


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


def _record(token: Token, *, has_rules: bool) -> TokenRecord:
    group = None
    if token.group_id:
        group = (
            TokenGroup.objects.filter(group_key=token.group_id.casefold()).select_related("contract").first()
        )
    contract = token.contract or (group.contract if group is not None else None)
    refused_at, allowed_at = _places(token, group, contract) if has_rules else (None, ())
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
        bar=_bar(token, contract),
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


def _bar(token: Token, contract: Contract | None) -> str:
    """Why the token's driver may not charge on the contract; empty without such a reason, or a driver."""
    if contract is None or token.user_id is None:
        return ""
    member = Member.objects.filter(contract=contract, user=token.user_id).first()
    if member is None:
        return "stranger"
    if member.status != Member.Status.ACTIVE:
        return member.status
    return member.role if member.role == Member.Role.VIEWER else ""


def _places(
    token: Token, group: TokenGroup | None, contract: Contract | None
) -> tuple[Places | None, tuple[Places, ...]]:
    rules = list(AccessRule.objects.of(token=token, group=group, contract=contract))
    refusals = [rule for rule in rules if rule.effect == AccessRule.Effect.REFUSE]
    allowances: dict[tuple[int | None, int | None, int | None], list[AccessRule]] = {}
    for rule in rules:
        if rule.effect == AccessRule.Effect.ALLOW:
            allowances.setdefault((rule.token_id, rule.group_id, rule.contract_id), []).append(rule)
    return (_of(refusals) if refusals else None), tuple(map(_of, allowances.values()))


def _of(rules: list[AccessRule]) -> Places:
    return Places(
        stations=frozenset(rule.charge_point_id for rule in rules if rule.charge_point_id is not None),
        sites=frozenset(rule.site_id for rule in rules if rule.site_id is not None),
    )
