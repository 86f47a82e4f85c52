"""API keys of other systems, and the stored answers to their idempotent requests."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.user import User


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self) -> ApiKeyQuerySet:
        """API keys that are neither revoked nor expired."""
        now = timezone.now()
        return self.filter(revoked_at__isnull=True).exclude(expires_at__lte=now)


class ApiKey(models.Model):
    """An API key of another system. Only its SHA-256 is stored: a key has 256 random bits, so a slow hash
    would add no safety.
    """

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, help_text=_("The first characters, to recognise the key by."))
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="api_keys", editable=False
    )
    role = models.CharField(max_length=16, choices=User.Role.choices, default=User.Role.VIEWER)
    site_ids = models.JSONField(
        _("sites"), null=True, blank=True, default=None, help_text=_("The numbers of its sites; null: all.")
    )
    scopes = models.JSONField(
        null=True, blank=True, default=None, help_text=_("The groups of endpoints it may use; null: all.")
    )
    shows_personal_data = models.BooleanField(
        _("shows personal data"),
        default=True,
        db_default=True,
        help_text=_("Off: token ids, contract ids, names, emails and phones are hidden. For viewers only."),
    )
    is_test = models.BooleanField(
        _("test key"),
        default=False,
        db_default=False,
        help_text=_("Sees and changes only the stations of the test site, and what belongs to them."),
    )
    replaces = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="replaced_by",
        editable=False,
        help_text=_("The key that it was rolled from."),
    )
    actor = models.CharField(
        max_length=150, blank=True, default="", db_default="", editable=False, help_text=_("Who made it.")
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        verbose_name = _("API key")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(shows_personal_data=True) | models.Q(role=User.Role.VIEWER),
                name="api_key_without_personal_data_reads",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def state(self) -> str:
        """usable, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= timezone.now() else "usable"


class ApiKeyRequest(models.Model):
    """A request of an API key. Only the newest of each key are kept."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="requests", db_index=False)
    at = models.DateTimeField(_("time"), db_index=True)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=300, help_text=_("Without the query."))
    status = models.PositiveSmallIntegerField()
    duration_ms = models.FloatField(_("milliseconds"))
    address = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        verbose_name = _("request of an API key")
        verbose_name_plural = _("requests of API keys")
        indexes = [models.Index(fields=["key", "-id"], name="api_key_request_by_key")]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class IdempotentRequest(models.Model):
    """The answer to a state-changing request, stored so that a repeat with the same Idempotency-Key gets it
    again.
    """

    actor = models.CharField(max_length=150)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text=_("SHA-256 of method, path and body."))
    status_code = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["actor", "key"], name="idempotent_request_once_per_actor")
        ]

    def __str__(self) -> str:
        return f"{self.actor}: {self.key}"
