from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class ChargePointsConfig(AppConfig):
    name = "chargepoints"
    verbose_name = _("Stations")

    def ready(self) -> None:
        # The modules below import models: Django has loaded those only now.
        from chargepoints import jobs, live, metrics
        from chargepoints.models import Campaign, ChargePoint, FirmwareFile, FollowUp, LogUpload, Note, Site
        from chargepoints.services import admission, commands, connections, data_transfer, security, sites
        from chargepoints.services.campaigns import command, firmware, kinds
        from chargepoints.services.diagnostics import campaigns as logs
        from chargepoints.services.firmware import updates, usage
        from chargepoints.services.follow_ups.personal import CIPHER
        from chargepoints.views.firmware_sender import send_firmware
        from chargepoints.views.log_receiver import receive_log
        from ocpp_server import commanding, credentials, encryption
        from ocpp_server import sites as rule_of_sites
        from ocpp_server.bounds import streams, uploads
        from ocpp_server.live import extensions
        from ocpp_server.observability import fleet
        from ocpp_server.observability import metrics as collectors
        from ocpp_server.process import scheduler
        from ocpp_server.protocol.secrets import FIRMWARE, UPLOADS
        from ocpp_server.rights import Right, role_for
        from ocpp_server.storage import deletions
        from ocpp_server.transport import command_store, station_store
        from ocpp_server.transport.handshake import admission as port_of_admission

        command_store.port.fill(commands)
        station_store.port.fill(connections)
        port_of_admission.port.fill(admission)
        rule_of_sites.port.fill(sites)
        extensions.rows.fill(live)
        commanding.announce("chargepoints.commands")
        kinds.register(command.COMMAND)
        kinds.register(logs.LOGS, commands={"get-log": dict, "get-diagnostics": logs.from_diagnostics})
        kinds.register(firmware.FIRMWARE, commands={firmware.COMMAND: dict}, is_only_way=True)
        usage.register(updates.use_of)
        encryption.register(
            encryption.Column(FollowUp, "personal_data", CIPHER),
            encryption.Column(FirmwareFile, "sealed_url", CIPHER),
            encryption.Column(Campaign, "sealed_arguments", CIPHER),
        )
        extensions.register(live.CONNECTORS)
        extensions.register(live.DISPLAYS)
        extensions.register(live.SWAPPING)
        streams.register(UPLOADS, receive_log)
        streams.register(FIRMWARE, send_firmware)
        uploads.register(
            "/api/v1/firmware",
            "/admin/chargepoints/firmwarefile/add",
            setting="FIRMWARE_MAX_FILE",
            role=role_for(Right.FIRMWARE),
        )
        scheduler.register(jobs.JOBS)
        scheduler.register_recovery(jobs.recover)
        data_transfer.load(settings.OCPP_DATA_TRANSFER_MODULES)
        credentials.on_failed_login(security.failed_login)
        fleet.register(metrics.FLEET)
        collectors.register(metrics.ConnectedCollector, of=collectors.FLEET_ROLES)
        deletions.keep(Campaign)
        deletions.keep(ChargePoint, key="identity", sites=("site_id",))
        deletions.keep(FirmwareFile)
        deletions.keep(LogUpload, parent="charge_point_id", sites=("charge_point.site_id",))
        deletions.keep(Note, parent="charge_point_id", sites=("charge_point.site_id",))
        deletions.keep(Site, sites=("pk",))
