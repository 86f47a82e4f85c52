"""Counters in the admin."""

from __future__ import annotations

from django.contrib import admin

from ocpp_server.admin.base import EvidenceAdmin
from transactions.models import (
    Counter,
)


@admin.register(Counter)
class CounterAdmin(EvidenceAdmin):
    list_display = ["name", "value"]
    empty_sentence = "The first session gets the number 1000."
