"""URLs below /api/v1."""

from django.urls import path

from configuration import views

_ONE = "chargepoints/<str:client_id>/configuration"

urlpatterns = [
    path(_ONE, views.ConfigurationView.as_view()),
    path(f"{_ONE}/export", views.ExportView.as_view()),
    path(f"{_ONE}/live", views.LiveConfigurationView.as_view()),
]
