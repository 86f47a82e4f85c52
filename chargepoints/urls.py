"""URLs below /api/v1."""

from chargepoints.views import (
    battery_swaps,
    campaigns,
    commands,
    device_events,
    display,
    evidence,
    firmware,
    firmware_updates,
    follow_ups,
    logs,
    notes,
    published_firmware,
    security,
    security_profiles,
    sites,
    stations,
)
from ocpp_server.api.resources import Router

_ONE = "chargepoints/<str:client_id>"

router = Router()
router.register("chargepoints", stations.ChargePointViewSet)
router.register(f"{_ONE}/connectors", stations.ConnectorViewSet)
router.register(f"{_ONE}/battery-swaps", battery_swaps.BatterySwapViewSet)
router.register(f"{_ONE}/commands", commands.CommandViewSet)
router.register(f"{_ONE}/display-messages", display.DisplayMessageViewSet)
router.register(f"{_ONE}/messages", commands.MessageViewSet)
router.register(f"{_ONE}/device-events", device_events.DeviceEventViewSet)
router.register(f"{_ONE}/follow-ups", follow_ups.FollowUpViewSet)
router.register(f"{_ONE}/logs", logs.LogViewSet)
router.register(f"{_ONE}/notes", notes.NoteViewSet)
router.register(f"{_ONE}/published-firmware", published_firmware.PublishedFirmwareViewSet)
router.register(f"{_ONE}/reports", follow_ups.ReportViewSet)
router.register(f"{_ONE}/security-profile-changes", security_profiles.SecurityProfileChangeViewSet)
router.register("campaigns", campaigns.CampaignViewSet)
router.register("campaigns/<str:campaign_id>/stations", campaigns.CampaignStationViewSet)
router.register("commands", commands.AllCommandsViewSet)
router.register("deviations", evidence.DeviationViewSet)
router.register("firmware", firmware.FirmwareViewSet)
router.register("firmware/<str:firmware_id>/downloads", firmware.FirmwareDownloadViewSet)
router.register("firmware-updates", firmware_updates.FirmwareUpdateViewSet)
router.register("refused-connections", evidence.RefusedConnectionViewSet)
router.register("security-events", security.SecurityEventViewSet)
router.register("sites", sites.SiteViewSet)

urlpatterns = router.urls
