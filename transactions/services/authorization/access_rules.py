"""Access rules: create, change, delete. `access` applies them."""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction

from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code
from transactions.models import AccessRule

SUBJECTS: Final = ("token", "group", "contract")
PLACES: Final = ("charge_point", "site")
# Subject and place can't be changed: another subject or place is another rule.
_CHANGEABLE: Final = frozenset({"effect", "note"})


def create(*, effect: str = AccessRule.Effect.ALLOW, note: str = "", **subject_and_place: Any) -> AccessRule:
    """Create a rule: one of `token`, `group`, `contract` and one of `charge_point`, `site`.

    Raises Invalid, and Conflict when there is already a rule for this subject and place.
    """
    given = {name: value for name, value in subject_and_place.items() if value is not None}
    unexpected = given.keys() - {*SUBJECTS, *PLACES}
    if unexpected:
        raise TypeError(f"not part of an access rule: {', '.join(sorted(unexpected))}")
    if len(given.keys() & set(SUBJECTS)) != 1:
        raise Invalid("Exactly one of token_id, group_id and contract_id is required.", field="token_id")
    if len(given.keys() & set(PLACES)) != 1:
        raise Invalid("Exactly one of charge_point_id and site_id is required.", field="charge_point_id")
    try:
        with transaction.atomic():
            return AccessRule.objects.create(effect=effect, note=note.strip(), **given)
    except IntegrityError:
        raise Conflict(
            "A rule for this subject and place already exists. Change that one.", code=Code.DUPLICATE
        ) from None


def update(rule: AccessRule, **settings: Any) -> AccessRule:
    """Change effect or note. The change takes effect at the next authorization."""
    unexpected = settings.keys() - _CHANGEABLE
    if unexpected:
        raise TypeError(f"not a setting of an access rule: {', '.join(sorted(unexpected))}")
    for name, value in settings.items():
        setattr(rule, name, value.strip())
    rule.save(update_fields=sorted(settings))
    return rule


def delete(rule: AccessRule) -> None:
    """Delete a rule. Sessions and refusals keep the record of its effects."""
    rule.delete()
