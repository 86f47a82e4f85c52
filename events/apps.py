from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class EventsConfig(AppConfig):
    name = "events"
    verbose_name = _("Events")

    def ready(self) -> None:
        # The modules below import models: Django has loaded those only now.
        from events import jobs, metrics
        from events.models import WebhookEndpoint
        from events.services import deletions, outbox, subscribing
        from events.services.tail import tail
        from events.services.webhooks.signing import CIPHER
        from ocpp_server import encryption
        from ocpp_server.events import outbox as port_of_outbox
        from ocpp_server.observability import fleet
        from ocpp_server.observability import metrics as collectors
        from ocpp_server.process import scheduler
        from ocpp_server.storage import deletions as port_of_deletions
        from ocpp_server.transport import shutdown

        port_of_outbox.port.fill(outbox)
        port_of_deletions.port.fill(deletions)
        port_of_deletions.keep(WebhookEndpoint)
        scheduler.register(jobs.JOBS)
        fleet.register(metrics.FLEET)
        collectors.register(metrics.StreamCollector, of=metrics.STREAMING_ROLES)
        collectors.register(metrics.MqttCollector, when=lambda: bool(settings.MQTT_URL))
        shutdown.on_begin(lambda: tail.end_all(subscribing.SHUTDOWN))
        collectors.register(metrics.WebhookCollector)
        encryption.register(
            encryption.Column(WebhookEndpoint, "sealed_secret", CIPHER),
            encryption.Column(WebhookEndpoint, "sealed_previous_secret", CIPHER),
            encryption.Column(WebhookEndpoint, "sealed_headers", CIPHER),
        )
