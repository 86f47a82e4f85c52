"""The keys that tokens are found by, after OCPP_TOKEN_NORMAL_FORM was changed."""

from __future__ import annotations

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import Token
from accounts.models.token import normalise_uid

log = structlog.get_logger(__name__)


def renew() -> int:
    """Give every token the key that the setting asks for now; how many got another.

    Two tokens that only differ in their separators can't have the same key: the newer keeps its own, is not
    found by the common one, and is logged.
    """
    written_apart = Q(uid__contains=":") | Q(uid__contains="-") | Q(uid__contains=" ") | Q(uid__contains=".")
    changed = 0
    for pk, uid, key in (
        Token.objects.filter(written_apart).order_by("pk").values_list("pk", "uid", "uid_key")
    ):
        wanted = normalise_uid(uid)
        if wanted == key:
            continue
        try:
            with transaction.atomic():
                changed += Token.objects.filter(pk=pk).update(uid_key=wanted)
        except IntegrityError:
            log.warning("token.same_normal_form", token=pk)
    return changed
