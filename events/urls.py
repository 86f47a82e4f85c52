"""The URLs of events over REST."""

from django.urls import path

from events import views

urlpatterns = [
    path("events", views.EventsView.as_view()),
    path("events/stream", views.EventStreamView.as_view(), name="event-stream"),
    path("events/tickets", views.TicketsView.as_view()),
    path("events/<str:event_id>", views.EventView.as_view()),
]
