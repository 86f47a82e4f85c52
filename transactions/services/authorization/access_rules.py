"""Rules about who may charge where: entered, changed, removed. `access` applies them."""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction

from ocpp_server.domain import Conflict, Invalid
from transactions.models import AccessRule

SUBJECTS: Final = ("token", "group", "contract")
PLACES: Final = ("charge_point", "site")
# What a rule is about stays: another subject or place is another rule.
_CHANGEABLE: Final = frozenset({"effect", "note"})


def create(*, effect: str = AccessRule.Effect.ALLOW, note: str = "", **subject_and_place: Any) -> AccessRule:
    """Enter a rule: one of `token`, `group`, `contract` and one of `charge_point`, `site`.

    Raises Invalid, and Conflict when there is a rule for the two already.
    """
    given = {name: value for name, value in subject_and_place.items() if value is not None}
    unexpected = given.keys() - {*SUBJECTS, *PLACES}
    if unexpected:
        raise TypeError(f"not part of an access rule: {', '.join(sorted(unexpected))}")
    if len(given.keys() & set(SUBJECTS)) != 1:
        raise Invalid("Name one: a token, a group or a contract.", field="token_id")
    if len(given.keys() & set(PLACES)) != 1:
        raise Invalid("Name one: a station or a site.", field="charge_point_id")
    try:
        with transaction.atomic():
            return AccessRule.objects.create(effect=effect, note=note.strip(), **given)
    except IntegrityError:
        raise Conflict("There is a rule for the two already; change that one.") from None


def update(rule: AccessRule, **settings: Any) -> AccessRule:
    """Change effect or note; it is felt at the next authorization."""
    unexpected = settings.keys() - _CHANGEABLE
    if unexpected:
        raise TypeError(f"not a setting of an access rule: {', '.join(sorted(unexpected))}")
    for name, value in settings.items():
        setattr(rule, name, value.strip())
    rule.save(update_fields=sorted(settings))
    return rule


def delete(rule: AccessRule) -> None:
    """Remove a rule. What it once did is told by sessions and refusals."""
    rule.delete()
