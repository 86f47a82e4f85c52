"""Notes about a station over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from chargepoints.filters import NoteQuery
from chargepoints.models import Note
from chargepoints.serializers.notes import NoteBody, NoteSerializer
from chargepoints.services import notes
from chargepoints.views.lookups import STATION
from ocpp_server.api.authentication import actor
from ocpp_server.api.lookups import Lookup
from ocpp_server.api.operations import Change, Create, Delete, Get, List
from ocpp_server.api.resources import ResourceViewSet


class NoteViewSet(ResourceViewSet):
    tag, noun = "Charge points", "note"
    label = "Note {row.pk}"
    serializer_class = NoteSerializer
    deletions = Note
    parent = STATION
    lookup = Lookup("note_id", "The number of the note.")
    operations = (
        List(NoteQuery, summary="List the notes about a station, newest first"),
        Get(),
        Create(NoteBody, notes.add),
        Change(NoteBody, notes.change, description="The author stays the one who wrote it first."),
        Delete(notes.delete),
    )

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.parent_row().notes.order_by("-pk")
        return rows

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        return {**given, "author": actor(self.request)} if self.action == "create" else given
