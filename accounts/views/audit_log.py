"""The audit log over REST, for administrators."""

from __future__ import annotations

from accounts.filters import AuditQuery
from accounts.models import AuditEntry
from accounts.serializers import AuditEntrySerializer
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Get, List
from ocpp_server.api.resources import ResourceViewSet
from ocpp_server.rights import Right, role_for


class AuditEntryViewSet(ResourceViewSet):
    tag, noun, component, has_etag = "Audit log", "audit entry", "AuditEntry", False
    nouns, key = "audit entries", "audit_entries"
    label = "Audit entry {row.pk}"
    read_role = role_for(Right.AUDIT)
    queryset = AuditEntry.objects.order_by("-pk")
    serializer_class = AuditEntrySerializer
    lookup = Lookup("entry_id", "The number of the entry.")
    operations = (
        List(
            AuditQuery,
            summary="List audit entries, newest first",
            description="Each request that changed something or tried to, over this API and in the console, "
            "and each export of a person's data: by whom, from where, with which result. It has the names "
            "of the values that were sent, never a value; uids of tokens in paths are hidden. Entries are "
            "kept for `AUDIT_RETENTION` (a year unless set otherwise). What a station was told is in its "
            "commands, which name their actor too.",
        ),
        Get(),
    )
