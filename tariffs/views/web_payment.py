"""Web payments and the keys of QR codes over REST."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from asgiref.sync import async_to_sync
from django.db.models import QuerySet
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from chargepoints.views.lookups import STATION
from ocpp_server.api.authentication import actor
from ocpp_server.api.documents import described, enveloped
from ocpp_server.api.envelope import answer
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import All, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.api.rows import Expansion
from ocpp_server.api.views import body
from ocpp_server.api.waiting import release_connection
from ocpp_server.error_codes import Code
from ocpp_server.rights import Right, role_for
from tariffs.filters import WebPaymentQuery
from tariffs.models import WebPayment
from tariffs.serializers import (
    ConfirmBody,
    WebPaymentKeyBody,
    WebPaymentKeySerializer,
    WebPaymentSerializer,
)
from tariffs.services.payment import qr_codes, web_payments

_PAYMENT = Lookup("web_payment_id", "The server's number of the web payment.")
_SENTENCES = {
    WebPayment.State.PAID: "The station has not answered the remote start of payment {row.pk} yet.",
    WebPayment.State.STARTED: "The station has accepted the remote start of payment {row.pk}.",
}


class WebPaymentViewSet(ResourceViewSet):
    """Scans, confirmations and stations change a web payment, so it has no ETag."""

    tag, noun, key, has_etag = "Tariffs", "web payment", "webPayments", False
    label = "Web payment {row.pk}"
    write_role = role_for(Right.COMMANDS)
    queryset = WebPayment.objects.select_related("charge_point").order_by("-pk")
    serializer_class = WebPaymentSerializer
    expansions = {
        "chargePoint": Expansion("charge_point", "chargepoints.views.stations.ChargePointViewSet"),
    }
    lookup = _PAYMENT
    operations = (
        List(
            WebPaymentQuery,
            summary="List web payments, newest first",
            description="`state=failed` with a `pspRef`: paid, but there is no session.",
        ),
        Get(),
    )

    def prepare(self, rows: list[Any]) -> Any:
        return web_payments.sessions_of(rows)

    @described(
        "Confirm a web payment",
        enveloped("ConfirmedWebPayment", WebPaymentSerializer),
        tag="Tariffs",
        path=_PAYMENT.path,
        body=ConfirmBody,
        changes=True,
        description="For the payment service: the driver has paid, and the amount is reserved. The station "
        "gets a RequestStartTransaction with `pspRef` as a DirectPayment token, and the limits with its "
        "first event. The answer waits for the station. `success` is false and `state` failed where no "
        "session starts: cancel the payment. The same confirmation again changes nothing. 409 for a payment "
        "that has expired or failed, or that another reference has confirmed.",
    )
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, **path: str) -> Response:
        given = body(ConfirmBody, request)
        reference = given.pop("pspRef")
        number = self.find().pk
        release_connection()
        row = async_to_sync(web_payments.confirm)(
            number,
            psp_ref=reference,
            limits={name: float(value) for name, value in given.items()},
            actor=actor(request),
        )
        shown = self.shown(row)
        if row.state == WebPayment.State.FAILED:
            sentence = f"No session starts with payment {row.pk}: cancel it. {row.failure}"
            return answer(sentence, {**shown, "code": Code.REJECTED.value}, success=False)
        return answer(_SENTENCES[WebPayment.State(row.state)].format(row=row), shown)


class WebPaymentKeyViewSet(ResourceViewSet):
    tag, noun, key, has_etag = "Tariffs", "key of QR codes", "webPaymentKeys", False
    nouns, component = "keys of QR codes", "WebPaymentKey"
    label = "Key {row.pk}"
    write_role = role_for(Right.STATION_ACCESS)
    serializer_class = WebPaymentKeySerializer
    parent = STATION
    lookup = Lookup("key_id", "The number of the key.")
    operations = (
        All(summary="List the keys of a station's QR codes"),
        Get(),
        Create(
            WebPaymentKeyBody,
            qr_codes.set_key,
            summary="Set the key of a station's QR codes",
            sentence="The key of the QR codes was set.",
            passes_actor=True,
            description="2.1 C25. The same values as in the station's WebPaymentsCtrlr: set those with the "
            "command change-configuration, and here. The key replaces an earlier one of the same EVSE. The "
            "secret is stored encrypted, and never shown. The station's URLTemplate is "
            "`<PUBLIC_URL>/charge/{chargingstationid}/{evse}/{totp}`, with the parameters maxcost, maxenergy "
            "and maxtime if it has them.",
        ),
        Delete(qr_codes.delete_key),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().web_payment_keys.order_by("evse_number", "pk")
        return rows

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        return {**given, "at": datetime.now(UTC)} if self.action == "create" else given
