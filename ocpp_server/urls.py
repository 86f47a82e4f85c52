"""Where every page and endpoint hangs; each app brings its own `urls` module."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from ocpp_server.operator import dashboard

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("admin/live/", dashboard.live, name="dashboard-live"),
    path("admin/", admin.site.urls),
]
