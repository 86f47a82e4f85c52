"""Recompute the lookup keys of tokens after OCPP_TOKEN_NORMAL_FORM was changed."""

from __future__ import annotations

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import Token
from accounts.models.token import normalise_uid

log = structlog.get_logger(__name__)


def renew() -> int:
    """Recompute the key of every token by the current setting; returns the number of changed keys.

    Two tokens that differ only in separators cannot share a key: the newer one keeps its old key, is not
    found by the common key, and is logged.
    """
    has_separators = Q(uid__contains=":") | Q(uid__contains="-") | Q(uid__contains=" ") | Q(uid__contains=".")
    changed = 0
    for pk, uid, key in (
        Token.objects.filter(has_separators).order_by("pk").values_list("pk", "uid", "uid_key")
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
