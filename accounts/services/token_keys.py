"""Recompute the lookup keys of tokens after OCPP_TOKEN_NORMAL_FORM was changed, and those of eMAIDs."""

from __future__ import annotations

from typing import Final

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import Token
from accounts.models.token import normalise_uid

# An eMAID without separators, as `emaid.comparable` takes it; of the country two letters.
_WITH_CHECK: Final = r"^\s*[a-z]{2}[a-z0-9]{13}\s*$"

log = structlog.get_logger(__name__)


def renew() -> int:
    """Recompute the key of every token by the current setting; returns the number of changed keys.

    Two tokens that differ only in separators cannot share a key: the newer one keeps its old key, is not
    found by the common key, and is logged.
    """
    has_separators = Q()
    for separator in ":- .*":
        has_separators |= Q(uid__contains=separator)
    # A release before this one had the check character in the key.
    is_emaid = Q(uid__iregex=_WITH_CHECK)
    changed = 0
    for pk, uid, key in (
        Token.objects.filter(has_separators | is_emaid).order_by("pk").values_list("pk", "uid", "uid_key")
    ):
        wanted = normalise_uid(uid)
        if wanted == key:
            continue
        try:
            with transaction.atomic():
                changed += Token.objects.filter(pk=pk).update(uid_key=wanted)
        except IntegrityError:
            log.warning("token.same_normal_form", token_id=pk)
    return changed
