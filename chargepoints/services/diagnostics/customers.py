"""Information that stations have about customers: asked for, cleared, and joined (2.0.1 N09, N10).

A text is personal data: it is encrypted, and deleted after a month, or after a day if the station has cleared
its own copy. The command keeps the identifier that it was sent with until the person is erased.
"""

from __future__ import annotations

from typing import Any

from chargepoints.models import FollowUp, ReportAssembly
from chargepoints.services.follow_ups import keeping, personal
from ocpp_server.domain import Invalid
from ocpp_server.local_lists import local_lists

# The fields of a request that name the customer: exactly one of them (N09.FR.04, N09.FR.09).
NAMES = ("idToken", "customerIdentifier", "customerCertificate")


def require_valid(*, report: bool, clear: bool, given: dict[str, Any]) -> None:
    """Raise Invalid for a request that asks for nothing, or does not name exactly one customer."""
    if not (report or clear):
        raise Invalid("Give report, clear or both.", field="report")
    if len(given) != 1:
        raise Invalid(f"Give exactly one of {', '.join(NAMES)}.", field=next(iter(given), NAMES[0]))


def words_of(request: dict[str, Any]) -> list[str]:
    """The words by which a request names the customer, to find texts about the same one."""
    certificate = request.get("customerCertificate", {})
    token = request.get("idToken", {})
    found = (token.get("idToken"), request.get("customerIdentifier"), certificate.get("serialNumber"))
    return [word for word in found if word]


def cleared(charge_point_pk: int, request: dict[str, Any]) -> int:
    """The station has cleared what it knew of a customer: erase what it has sent about the same one before,
    and compare its local list (N10.FR.02). Returns the number of erased texts. Uses the database.
    """
    before = FollowUp.objects.filter(charge_point=charge_point_pk).exclude(request_id=request["requestId"])
    erased = keeping.erase_personal(words_of(request), among=before)
    local_lists.app.look_again(charge_point_pk)
    return erased


def text_of(report: ReportAssembly) -> str | None:
    """The joined text of a report, in the order of its parts; None without one that can be read."""
    parts = FollowUp.objects.filter(
        charge_point=report.charge_point_id,
        action=report.action,
        request_id=report.request_id,
        received_at__gte=report.started_at,
        received_at__lte=report.last_at,
    ).exclude(personal_data="")
    texts: dict[int, str] = {}
    for seq_no, sealed in parts.order_by("pk").values_list("seq_no", "personal_data"):
        text = personal.unseal(sealed)
        if text is not None:
            texts.setdefault(seq_no or 0, text)
    return "".join(texts[number] for number in sorted(texts)) if texts else None
