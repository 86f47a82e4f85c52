"""URLs below /api/v1."""

from configuration.views.desired import DesiredValueViewSet, DriftViewSet
from configuration.views.local_list import LocalListOfStationViewSet, LocalListViewSet
from configuration.views.monitoring import (
    EventStreamViewSet,
    StreamMessageViewSet,
    VariableMonitorViewSet,
)
from configuration.views.network import NetworkProfileViewSet
from configuration.views.reported import ReportedValueViewSet
from configuration.views.stored import ConfigurationViewSet
from configuration.views.templates import AssignmentViewSet, TemplateViewSet
from ocpp_server.api.resources import Router

router = Router()
router.register("chargepoints", ConfigurationViewSet)
router.register("chargepoints", LocalListOfStationViewSet, "local-list-of-station")
router.register("local-lists", LocalListViewSet)
router.register("network-profiles", NetworkProfileViewSet)
router.register("chargepoints/<str:client_id>/desired-values", DesiredValueViewSet)
router.register("chargepoints/<str:client_id>/monitors", VariableMonitorViewSet)
router.register("chargepoints/<str:client_id>/event-streams", EventStreamViewSet)
router.register("chargepoints/<str:client_id>/stream-messages", StreamMessageViewSet)
router.register("chargepoints/<str:client_id>/reported-values", ReportedValueViewSet)
router.register("configuration/drift", DriftViewSet)
router.register("configuration/templates", TemplateViewSet)
router.register("configuration/templates/<str:template_id>/assignments", AssignmentViewSet)

urlpatterns = router.urls
