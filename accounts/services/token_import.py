"""Import of many tokens: rows are checked one by one, then all are written in one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import Contract, Member, Token, TokenGroup, TokenImport, UnknownToken, User
from accounts.models.contract import contract_key
from accounts.models.token import normalise_uid
from accounts.services import membership, token_events, token_files, tokens
from accounts.services.token_cache import tokens_imported
from accounts.services.token_events import Change, can_charge
from ocpp_server import live
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code

log = structlog.get_logger(__name__)

# Files with more rows are imported in the background; the caller polls the progress.
AT_ONCE: Final = 5000
# An import without progress for this long is dead: a batch of rows takes a second, writing a long file a few.
DEAD_AFTER: Final = timedelta(minutes=5)
SHOWN_PROBLEMS: Final = 200
_BATCH: Final = 500  # equivalent: the same rows are written at any size
_UPDATE_BATCH: Final = 50  # equivalent: the same rows are written at any size

Problem = dict[str, Any]
# Parses the texts of one row by the rules of the API. Raises Invalid.
Check = Callable[[dict[str, str]], dict[str, Any]]


@dataclass
class Plan:
    """The result of checking a file: what the import will write."""

    created: list[Token] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)
    first_rows: dict[tuple[str, str], int] = field(default_factory=dict)


def start(
    rows: list[token_files.Row], *, check: Check, file_name: str, actor: str, is_preview: bool
) -> TokenImport:
    """Check the rows and, unless this is a preview, write them. A long file is processed in the
    background.
    """
    job = TokenImport.objects.create(
        file_name=file_name[:255], actor=actor, is_preview=is_preview, row_count=len(rows)
    )
    if len(rows) <= AT_ONCE:
        _run(job, rows, check)
        return job
    # Not a daemon thread: a server that stops waits for the import, or the lost connection rolls it back.
    threading.Thread(
        target=_run_in_background, args=(job, rows, check), name=f"token-import-{job.pk}"
    ).start()
    return job


def find(number: int) -> TokenImport | None:
    """Return an import with its progress. An import whose process died is marked as failed here; it wrote
    nothing.
    """
    dead = TokenImport.objects.filter(
        pk=number, state=TokenImport.State.RUNNING, updated_at__lt=timezone.now() - DEAD_AFTER
    )
    dead.update(
        state=TokenImport.State.FAILED,
        sentence="The server stopped during the import. Nothing was imported.",
        finished_at=timezone.now(),
    )
    return TokenImport.objects.filter(pk=number).first()


def _run_in_background(job: TokenImport, rows: list[token_files.Row], check: Check) -> None:
    try:
        _run(job, rows, check)
    except Exception as error:
        log.error("tokens.import_failed", job=job.pk, exc_info=error)
        _finish(job, TokenImport.State.FAILED, "The import failed; see the server log. Nothing was imported.")
    finally:
        connection.close()


def _run(job: TokenImport, rows: list[token_files.Row], check: Check) -> None:
    plan = Plan()
    for done in plan_rows(plan, rows, check):
        TokenImport.objects.filter(pk=job.pk).update(done_count=done, updated_at=timezone.now())
        job.done_count = done
    job.created_count, job.changed_count = len(plan.created), len(plan.changes)
    job.unchanged_count, job.problem_count = plan.unchanged, len(plan.problems)
    job.problems = plan.problems[:SHOWN_PROBLEMS]
    if plan.problems:
        sentence = f"{len(plan.problems)} problems in {job.row_count} rows. Nothing was imported."
        _finish(job, TokenImport.State.DONE if job.is_preview else TokenImport.State.FAILED, sentence)
        return
    counts = f"{job.created_count} new, {job.changed_count} changed, {job.unchanged_count} unchanged"
    if job.is_preview:
        _finish(job, TokenImport.State.DONE, f"The file is valid: {counts}.")
        return
    try:
        write(plan)
    except Conflict as conflict:
        job.problem_count, job.problems = 1, [_problem(0, conflict.field, conflict.sentence)]
        _finish(job, TokenImport.State.FAILED, f"{conflict.sentence} Nothing was imported.")
    else:
        _finish(job, TokenImport.State.DONE, f"Imported: {counts}.")


def _finish(job: TokenImport, state: str, sentence: str) -> None:
    job.state, job.sentence, job.finished_at = state, sentence[:500], timezone.now()
    job.save()


# -- checking ----------------------------------------------------------------------------------------------


def plan_rows(plan: Plan, rows: Sequence[token_files.Row], check: Check) -> Iterator[int]:
    """Check the rows and fill the plan; yields the number of checked rows. A batch needs a fixed number of
    queries.
    """
    for begin in range(0, len(rows), _BATCH):
        batch: list[tuple[int, dict[str, Any]]] = []
        for number, texts in rows[begin : begin + _BATCH]:
            try:
                values = check(texts)
                kind = values["type"]
                values["uid"] = tokens.canonical_uid(values["uid"], kind)
                values["type"] = tokens.INPUT_TYPES[kind]
            except Invalid as invalid:
                plan.problems += [_problem(number, one["field"], one["reason"]) for one in invalid.errors]
            else:
                batch.append((number, values))
        known = _ExistingRows(values for _, values in batch)
        for number, values in batch:
            try:
                _plan_row(plan, known, number, values)
            except Invalid as invalid:
                plan.problems.append(_problem(number, invalid.field, invalid.sentence))
        yield min(begin + _BATCH, len(rows))


def _plan_row(plan: Plan, known: _ExistingRows, number: int, values: dict[str, Any]) -> None:
    key = (normalise_uid(values["uid"]), str(values["type"]))
    if (first := plan.first_rows.setdefault(key, number)) != number:
        raise Invalid(f"Row {first} has the same uid and type.", field="uid")
    user, contract = known.user(values.pop("user_id", None)), known.contract(values.pop("contract_id", None))
    if user is not None:
        values["user"] = user
    if contract is not None:
        values["contract"] = contract
    token = known.tokens.get(key)
    is_new = token is None
    token = token or Token(uid_key=key[0])
    before = {name: getattr(token, name) for name in tokens.FIELDS}
    could_charge = can_charge(token)
    for name, value in values.items():
        setattr(token, name, value)
    token.reconcile(values, before=before["status"])
    tokens.check_fields(token, known.groups.get(token.group_id.casefold()))
    if token.valid:
        known.require_holder(token)
    if is_new:
        plan.created.append(token)
    elif changed := {name for name, value in before.items() if getattr(token, name) != value}:
        plan.changes.append(Change(token, changed, could_charge))
    else:
        plan.unchanged += 1


class _ExistingRows:
    """Existing rows that a batch refers to, loaded together."""

    def __init__(self, batch: Iterator[dict[str, Any]] | Any) -> None:
        values = list(batch)
        keys = {normalise_uid(one["uid"]) for one in values}
        found = Token.objects.filter(uid_key__in=keys).select_related("user", "contract")
        self.tokens = {(token.uid_key, str(token.type)): token for token in found}
        users = {one["user_id"] for one in values if one.get("user_id")}
        self.users: dict[int, User] = {user.pk: user for user in User.objects.people().filter(pk__in=users)}
        names = {contract_key(one["contract_id"]) for one in values if one.get("contract_id")}
        self.contracts = {one.contract_key: one for one in Contract.objects.filter(contract_key__in=names)}
        groups = {one["group_id"] for one in values if one.get("group_id")}
        groups |= {token.group_id for token in self.tokens.values() if token.group_id}
        self.groups = {
            group.group_key: group
            for group in TokenGroup.objects.filter(
                group_key__in={name.casefold() for name in groups}
            ).select_related("contract")
        }
        people = users | {token.user_id for token in self.tokens.values() if token.user_id}
        self.memberships = {
            (contract, user): (role, status)
            for contract, user, role, status in Member.objects.filter(user__in=people).values_list(
                "contract_id", "user_id", "role", "status"
            )
        }

    def user(self, number: int | None) -> User | None:
        if not number:
            return None
        if number not in self.users:
            raise Invalid(f"User {number} not found.", field="user_id")
        return self.users[number]

    def contract(self, name: str | None) -> Contract | None:
        found = self.contracts.get(contract_key(name)) if name else None
        if name and found is None:
            raise Invalid(f"Contract {name} not found.", field="contract_id")
        return found

    def require_holder(self, token: Token) -> None:
        if token.user is not None and token.user.status == User.Status.CLOSED:
            raise Invalid(f"User {token.user_id} is closed.", field="user_id")
        if token.user is not None and token.contract is not None:
            membership_row = self.memberships.get((token.contract.pk, token.user.pk))
            membership.check_holder(token.contract, token.user, membership_row)


def _problem(row: int, name: str, reason: str) -> Problem:
    return {"row": row, "field": name, "reason": reason}


# -- writing -----------------------------------------------------------------------------------------------


def write(plan: Plan) -> None:
    """Write a plan in one transaction. Raises Conflict when the affected rows have changed since
    the check.
    """
    now = timezone.now()
    changed = [change.token for change in plan.changes]
    try:
        with transaction.atomic():
            _require_same_members([*plan.created, *changed])
            _require_unchanged(changed)
            Token.objects.bulk_create(plan.created, batch_size=_BATCH)
            for token in changed:
                token.updated_at = now
            # bulk_update builds a CASE per column over all rows of a batch, so batches and columns are kept
            # small.
            fields = sorted({name for change in plan.changes for name in change.fields})
            Token.objects.bulk_update(changed, [*fields, "updated_at"], batch_size=_UPDATE_BATCH)
            token_events.created(plan.created)
            token_events.changed(plan.changes)
            for some in _batches([token.uid_key for token in plan.created]):
                UnknownToken.objects.filter(uid_key__in=some).delete()
            tokens_imported.send(Token)
            transaction.on_commit(lambda: live.state().forget_tokens())
    except IntegrityError:
        raise Conflict(
            "Another request added a token of this file during the import.", field="uid", code=Code.DUPLICATE
        ) from None


def _require_unchanged(planned: list[Token]) -> None:
    moments = {token.pk: token.updated_at for token in planned}
    for some in _batches(list(moments)):
        found = Token.objects.select_for_update().filter(pk__in=some).values_list("pk", "updated_at")
        if any(moments[pk] != moment for pk, moment in found):
            raise Conflict("Another request changed a token of this file during the import.", field="uid")


def _require_same_members(planned: list[Token]) -> None:
    """Raise Conflict when a member left a contract since the check. The lock makes later changes wait."""
    checked = [token for token in planned if token.valid]
    contracts = sorted({token.contract_id for token in checked if token.contract_id})
    for some in _batches(contracts):
        list(Contract.objects.select_for_update().filter(pk__in=some).order_by("pk").values_list("pk"))
    holders = {(token.contract_id, token.user_id) for token in checked if token.contract_id and token.user_id}
    may_charge: set[tuple[int | None, int | None]] = set()
    for some in _batches(contracts):
        present = Member.objects.filter(contract__in=some).present().exclude(role=Member.Role.VIEWER)
        may_charge |= set(present.values_list("contract_id", "user_id"))
    if holders - may_charge:
        raise Conflict("A person in this file left their contract during the import.", field="user_id")


def _batches(values: list[Any]) -> Iterator[list[Any]]:
    for begin in range(0, len(values), _BATCH):
        yield values[begin : begin + _BATCH]
