"""Notes about a station: add, change, delete."""

from __future__ import annotations

from chargepoints.models import ChargePoint, Note
from ocpp_server.domain import Invalid


def add(charge_point: ChargePoint, *, text: str, author: str) -> Note:
    """Add a note. Raises Invalid for a blank text."""
    return Note.objects.create(charge_point=charge_point, text=_checked(text), author=author)


def change(note: Note, *, text: str) -> None:
    """Replace the text; the author stays. Raises Invalid for a blank text."""
    note.text = _checked(text)
    note.save(update_fields=["text", "updated_at"])


def delete(note: Note) -> None:
    note.delete()


def _checked(text: str) -> str:
    if not text.strip():
        raise Invalid("Must not be blank.", field="text")
    return text.strip()
