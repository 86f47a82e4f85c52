"""URLs below /api/v1."""

from django.urls import path

from ocpp_server.api.resources import Router
from transactions.views import (
    access_rules,
    authorization,
    export,
    monthly_energy,
    people,
    quarantine,
    refusals,
    remote_control,
    reservation,
    sessions,
    settlements,
)

router = Router()
router.register("access-rules", access_rules.AccessRuleViewSet)
router.register("quarantine", quarantine.QuarantineViewSet)
router.register("refused-tokens", refusals.RefusalViewSet)
router.register("reservations", reservation.ReservationViewSet)
router.register("settlements", settlements.SettlementViewSet)
# Above /transactions, whose /{transaction_id} would match its URLs.
router.register("transactions", remote_control.RemoteControlViewSet, "remote-control")
router.register("transactions", sessions.TransactionViewSet)
router.register("transactions/<str:transaction_id>/meter-values", sessions.MeterValueViewSet)
# The other operations on users are in `accounts`, which knows no sessions.
router.register("users", people.PersonalDataViewSet, "personal-data")

urlpatterns = [
    path("authorize", authorization.AuthorizeView.as_view()),
    # Above the router: /transactions/{transaction_id} would match them.
    path("transactions/export", export.ExportView.as_view()),
    path("transactions/monthly-energy", monthly_energy.MonthlyEnergyView.as_view()),
    *router.urls,
]
