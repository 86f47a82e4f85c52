"""Counters in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from ocpp_server.admin.base import EvidenceAdmin
from transactions.models import Counter


@admin.register(Counter)
class CounterAdmin(EvidenceAdmin):
    list_display = ["name", "value"]
    empty_sentence = _("The first session gets the number 1000.")
