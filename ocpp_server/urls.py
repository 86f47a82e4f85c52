"""The URLs of all pages and endpoints; each app has its own `urls` module."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from alerts.views import acknowledging
from certificates.views import lists
from events.views import events
from ocpp_server.admin import error_pages
from ocpp_server.api import errors, health, pages, station_address
from ocpp_server.transport.handshake.explanation import STATION_PATH
from operations import changes, dashboard
from tariffs.views import charge, receipts

handler400 = errors.paged(errors.bad_request, error_pages.bad_request)
handler403 = errors.paged(errors.forbidden, error_pages.forbidden)
handler404 = errors.paged(errors.not_found, error_pages.not_found)
handler500 = errors.paged(errors.fault, error_pages.fault)

API_V1 = [
    path("", include("chargepoints.urls")),
    path("", include("configuration.urls")),
    path("", include("transactions.urls")),
    path("", include("smart_charging.urls")),
    path("", include("tariffs.urls")),
    path("", include("certificates.urls")),
    path("", include("accounts.urls")),
    path("", include("events.urls")),
    path("", include("aggregates.urls")),
    path("", include("alerts.urls")),
    path("", include("sandbox.urls")),
]

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("admin/live/", dashboard.live, name="dashboard-live"),
    path("admin/changes/", changes.changes, name="changes"),
    path("admin/", admin.site.urls),
    path("health", health.HealthView.as_view()),
    path("health/ready", health.ReadyView.as_view()),
    path("clients", health.ClientsView.as_view()),
    path("metrics", health.MetricsView.as_view()),
    path("pki/crl/<int:number>.crl", lists.revocation_list, name="revocation-list"),
    path("receipts/<int:number>/<str:secret>", receipts.page, name="receipt"),
    path("alerts/acknowledge/<int:number>/<str:secret>", acknowledging.page, name="acknowledge-alert"),
    # The QR codes of stations. A code with a missing part has the same page as a wrong one.
    re_path(r"^charge(?:/(?P<rest>.*))?$", charge.page, name="charge"),
    path("api/schema/", pages.SchemaView.as_view(), name="schema"),
    path("api/schema/events/<str:name>.json", events.EventSchemaView.as_view()),
    path("api/docs/", pages.DocsView.as_view(), name="docs"),
    path("api/v1/", include(API_V1)),
    # An unknown address of the API is answered with JSON; a wrong trailing slash is accepted.
    re_path(r"^(?:api|health|clients|metrics)(?:/.*)?$", errors.no_such_address),
    re_path(STATION_PATH, station_address.explain),
]
