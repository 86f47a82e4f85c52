"""The URLs of events and webhooks over REST."""

from django.urls import path

from events.views import events, webhooks
from ocpp_server.api.resources import Router

router = Router()
router.register("webhooks", webhooks.WebhookViewSet)
router.register("webhooks/<str:webhook_id>/deliveries", webhooks.DeliveryViewSet)

urlpatterns = [
    path("events", events.EventsView.as_view()),
    path("events/stream", events.EventStreamView.as_view(), name="event-stream"),
    path("events/tickets", events.TicketsView.as_view()),
    path("events/<str:event_id>", events.EventView.as_view()),
    *router.urls,
]
