"""Admin page of the audit log."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from accounts.admin.rights import AdministratorsOnly
from accounts.models import AuditEntry
from ocpp_server.admin.base import EvidenceAdmin
from ocpp_server.admin.filters import MomentFilter
from ocpp_server.rights import Right


@admin.register(AuditEntry)
class AuditEntryAdmin(AdministratorsOnly, EvidenceAdmin):
    right = Right.AUDIT
    json_fields = ("sent_fields",)
    list_display = ["action", "actor", "door", "path", "status", "address", "at"]
    list_filter = [("door", ChoicesDropdownFilter), ("at", MomentFilter)]
    search_fields = ["actor"]
    exact_search = ("actor", "action", "path", "request_id")
    search_help_text = _("Search by complete actor, action, path or request id.")
    sortable_by = ["at"]
    ordering = ["-id"]
    empty_sentence = _("No changes yet.")
