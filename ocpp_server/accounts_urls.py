"""The URLs of the role accounts: users, tokens and authorization, without stations."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from ocpp_server.api import errors, health, pages
from transactions.views.authorization import AuthorizeView

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.fault

API_V1: list[URLPattern | URLResolver] = [
    path("", include("accounts.urls")),
    path("authorize", AuthorizeView.as_view()),
]

urlpatterns = [
    path("health", health.HealthView.as_view()),
    path("health/ready", health.ReadyView.as_view()),
    path("api/schema/", pages.SchemaView.as_view(), name="schema"),
    path("api/docs/", pages.DocsView.as_view(), name="docs"),
    path("api/v1/", include(API_V1)),
    re_path(r"^.*$", errors.no_such_address),
]
