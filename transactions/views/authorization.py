"""May this token charge? The rule of stations' messages, for other systems. snake_case, as accounts."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.services.tokens import INPUT_TYPES, canonical_uid
from chargepoints.views.lookups import station
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.fields import ReadSerializer, StrictSerializer, TextField, TimeField, WholeField, rfc3339
from ocpp_server.api.views import ApiView, body
from ocpp_server.domain import Invalid
from ocpp_server.protocol.translate import status_16
from transactions.services.authorization.access import Purpose
from transactions.services.authorization.decision import Decision, decide_now


class AuthorizeBody(StrictSerializer):
    id_tag = TextField(
        max_length=255, help_text="Case makes no difference. A vehicle's token is its MAC address."
    )
    type = serializers.ChoiceField(
        choices=list(INPUT_TYPES), required=False, help_text="Only a token of this type; by default any."
    )
    charge_point_id = TextField(
        required=False, max_length=255, help_text="The station; without it access rules are not checked."
    )
    connector_id = WholeField(
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="A session that runs there does not count as concurrent: the new one replaces it.",
    )
    purpose = serializers.ChoiceField(
        choices=[Purpose.START.value, Purpose.IDENTIFY.value],
        default=Purpose.START.value,
        help_text="start: may the token start a session now? identify: is the token valid? Other sessions "
        "are not checked then, as in a station's Authorize.",
    )


class DecisionSerializer(ReadSerializer):
    status = serializers.ChoiceField(choices=["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"])
    allowed = serializers.BooleanField()
    parent_id_tag = serializers.CharField(required=False)
    expiry_date = TimeField(required=False)
    contract_id = serializers.CharField(required=False)
    reason = serializers.CharField(required=False, help_text="Why the token is refused, as a sentence.")


class AuthorizeView(ApiView):
    is_of_sites = False
    changes = False

    @described(
        "Check whether a token may charge",
        enveloped("Authorization", DecisionSerializer),
        tag="Tokens",
        body=AuthorizeBody,
        also=(400, 404),
        description="Blocked, then Expired, Invalid, ConcurrentTx, Accepted. An unknown token is Invalid.",
        changes=True,
    )
    def post(self, request: Request) -> Response:
        asked = body(AuthorizeBody, request)
        kind = asked.get("type", "")
        charge_point = station(asked["charge_point_id"]) if "charge_point_id" in asked else None
        decision = decide_now(
            uid=_uid(asked["id_tag"], kind),
            type=INPUT_TYPES[kind] if kind else "",
            charge_point=charge_point,
            evse_number=asked.get("connector_id"),
            purpose=Purpose(asked["purpose"]),
        )
        verdict = "may charge" if decision.is_accepted else "may not charge"
        return answer(f"The token {verdict}. {decision.reason}".strip(), _shown(decision))


def _uid(id_tag: str, kind: str) -> str:
    if not id_tag.strip():
        raise Invalid("Must not be blank.", field="id_tag")
    try:
        return canonical_uid(id_tag, kind)
    except Invalid as error:
        raise Invalid(error.sentence, field="id_tag") from None


def _shown(decision: Decision) -> dict[str, Any]:
    shown = {
        "parent_id_tag": decision.group_id,
        "expiry_date": rfc3339(decision.expires_at),
        "contract_id": decision.contract_id,
        "reason": decision.reason,
    }
    return {
        "status": status_16(decision.verdict),
        "allowed": decision.is_accepted,
        **{name: value for name, value in shown.items() if value},
    }
