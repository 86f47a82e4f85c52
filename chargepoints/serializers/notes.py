"""Notes about stations over REST."""

from __future__ import annotations

from rest_framework import serializers

from chargepoints.models.note import MOST_CHARACTERS
from ocpp_server.api.fields import ReadSerializer, StrictSerializer, TextField, TimeField


class NoteSerializer(ReadSerializer):
    id = serializers.IntegerField()
    text = serializers.CharField()
    author = serializers.CharField(help_text="The operator or the API key that wrote it.")
    createdAt = TimeField(source="created_at")
    updatedAt = TimeField(source="updated_at")


class NoteBody(StrictSerializer):
    text = TextField(max_length=MOST_CHARACTERS)
