"""Files between their preview and their import: what was looked at is what gets imported, once."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import BinaryIO, Final

from django.db import transaction
from django.utils import timezone

from accounts.models import TokenImport, TokenUpload
from accounts.services import token_files, token_import
from ocpp_server.bounds import uploads
from ocpp_server.domain import Conflict, Invalid

# Names and cards of people: not longer than somebody needs to read a preview.
KEPT_FOR: Final = timedelta(hours=1)


def preview(file: BinaryIO, *, size: int, check: token_import.Check, name: str, actor: str) -> TokenImport:
    """Check a file and keep it for the import. Raises Invalid, field `file`."""
    if size > uploads.max_file():
        raise Invalid(uploads.too_large(), field="file")
    rows = token_files.read(file)
    if not rows:
        raise Invalid("The file has no rows below its first one.", field="file")
    job = token_import.start(rows, check=check, file_name=name, actor=actor, is_preview=True)
    if not job.problem_count:
        file.seek(0)
        TokenUpload.objects.create(preview=job, content=file.read())
    return job


def is_kept(job: TokenImport) -> bool:
    """Whether the file of this preview can still be imported."""
    return TokenUpload.objects.filter(preview=job, created_at__gte=timezone.now() - KEPT_FOR).exists()


def apply(job: TokenImport, *, check: token_import.Check, actor: str) -> TokenImport:
    """Import the file of a preview: all rows or none. Raises Conflict when it was taken or has expired."""
    if not job.is_preview or job.state != TokenImport.State.DONE or job.problem_count:
        raise Conflict("Only a file whose preview found no problem is imported.")
    fresh = TokenUpload.objects.filter(preview=job, created_at__gte=timezone.now() - KEPT_FOR)
    with transaction.atomic():
        content = fresh.values_list("content", flat=True).first()
        # Two clicks, or two people: whoever deletes the row has the file.
        if content is None or not fresh.delete()[0]:
            raise Conflict("This file was imported already, or waited too long. Choose it again.")
    rows = token_files.read(io.BytesIO(bytes(content)))
    return token_import.start(rows, check=check, file_name=job.file_name, actor=actor, is_preview=False)


def forget_old() -> None:
    """Files that nobody imported."""
    TokenUpload.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()


def forget_reports(before: datetime) -> None:
    """What imports and previews that began before this moment said: rows of people among it."""
    TokenImport.objects.filter(created_at__lt=before).exclude(state=TokenImport.State.RUNNING).delete()
