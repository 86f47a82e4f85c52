"""Addresses below /api/v1."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("tokens", views.TokensView.as_view()),
    path("tokens/<str:token_id>", views.TokenView.as_view()),
]
