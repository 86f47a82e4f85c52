"""Files between preview and import: exactly the previewed file is imported, and only once."""

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

# The files hold personal data, so they are stored only as long as reading a preview takes.
STORED_FOR: Final = timedelta(hours=1)


def preview(file: BinaryIO, *, size: int, check: token_import.Check, name: str, actor: str) -> TokenImport:
    """Check a file and store it for the import. Raises Invalid, field `file`."""
    if size > uploads.max_file():
        raise Invalid(uploads.too_large(), field="file")
    rows = token_files.read(file)
    if not rows:
        raise Invalid("The file has no rows below the header.", field="file")
    job = token_import.start(rows, check=check, file_name=name, actor=actor, is_preview=True)
    if not job.problem_count:
        file.seek(0)
        TokenUpload.objects.create(preview=job, content=file.read())
    return job


def is_stored(job: TokenImport) -> bool:
    """Whether the file of this preview is still stored."""
    return TokenUpload.objects.filter(preview=job, created_at__gte=timezone.now() - STORED_FOR).exists()


def apply(job: TokenImport, *, check: token_import.Check, actor: str) -> TokenImport:
    """Import the file of a preview: all rows or none. Raises Conflict when the file was already imported or
    expired.
    """
    if not job.is_preview or job.state != TokenImport.State.DONE or job.problem_count:
        raise Conflict("The preview must be complete and without problems.")
    fresh = TokenUpload.objects.filter(preview=job, created_at__gte=timezone.now() - STORED_FOR)
    with transaction.atomic():
        content = fresh.values_list("content", flat=True).first()
        deleted, _ = fresh.delete()
        # Of two simultaneous requests, the one that deletes the row imports the file.
        if content is None or not deleted:
            raise Conflict("This file was already imported or has expired. Upload it again.")
    rows = token_files.read(io.BytesIO(bytes(content)))
    return token_import.start(rows, check=check, file_name=job.file_name, actor=actor, is_preview=False)


def forget_old() -> None:
    """Delete files that were never imported."""
    TokenUpload.objects.filter(created_at__lt=timezone.now() - STORED_FOR).delete()


def forget_reports(before: datetime) -> None:
    """Delete the reports of imports and previews that began before this time; they contain personal data."""
    TokenImport.objects.filter(created_at__lt=before).exclude(state=TokenImport.State.RUNNING).delete()
