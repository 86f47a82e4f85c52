"""Imports of token files: their progress and their problems."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class TokenImport(models.Model):
    """One import or preview. Either all rows are imported, or none."""

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    file_name = models.CharField(max_length=255)
    actor = models.CharField(max_length=150)
    is_preview = models.BooleanField(default=False)
    state = models.CharField(max_length=16, choices=State.choices, default=State.RUNNING)
    sentence = models.CharField(max_length=500, blank=True, default="")
    row_count = models.PositiveIntegerField(default=0)
    done_count = models.PositiveIntegerField(default=0, help_text=_("Rows that are checked."))
    created_count = models.PositiveIntegerField(default=0)
    changed_count = models.PositiveIntegerField(default=0)
    unchanged_count = models.PositiveIntegerField(default=0)
    problem_count = models.PositiveIntegerField(default=0)
    problems = models.JSONField(default=list, help_text=_("The first ones: row, field, reason."))
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.file_name


class TokenUpload(models.Model):
    """The uploaded file of a preview, stored so that the import uses exactly the previewed content.

    The file has a table of its own because the progress is saved with every batch of rows, which would write
    the file each time.
    """

    preview = models.OneToOneField(TokenImport, on_delete=models.CASCADE, related_name="upload")
    content = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.preview}"
