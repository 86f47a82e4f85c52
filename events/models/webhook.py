"""Webhooks: where events are sent, and the log of what was sent."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

MOST_CHARACTERS = 2000
LEAST_TIMEOUT_S, MOST_TIMEOUT_S = 5, 30


class WebhookEndpoint(models.Model):
    """A URL that gets events. Everything up to `cursor` was sent, or has a row in the log."""

    class Format(models.TextChoices):
        STANDARD = "standard", _("Standard Webhooks")
        CLOUDEVENTS = "cloudevents", _("CloudEvents")

    class PersonalData(models.TextChoices):
        MASKED = "masked", _("Tokens masked")
        FULL = "full", _("Whole tokens")

    class Ordering(models.TextChoices):
        STATION = "station", _("In order for each station")
        NONE = "none", _("In any order")

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        FAILING = "failing", _("Failing")
        DISABLED = "disabled", _("Disabled")

    name = models.CharField(max_length=100, unique=True)
    url = models.CharField(_("URL"), max_length=MOST_CHARACTERS)
    sealed_secret = models.TextField(editable=False)
    sealed_previous_secret = models.TextField(blank=True, default="", editable=False)
    previous_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    sealed_headers = models.TextField(blank=True, default="", editable=False)

    types = models.JSONField(
        default=list,
        blank=True,
        help_text=_("Types of events or patterns such as transaction.*; empty: all types without a star."),
    )
    station = models.CharField(
        max_length=255, blank=True, default="", help_text=_("Only events of the station with this identity.")
    )
    # No foreign key: without its site, the webhook must get nothing and not the events of all sites.
    site_id = models.BigIntegerField(
        _("site"), null=True, blank=True, help_text=_("Only events of the site with this number.")
    )
    format = models.CharField(max_length=16, choices=Format.choices, default=Format.STANDARD)
    personal_data = models.CharField(max_length=8, choices=PersonalData.choices, default=PersonalData.MASKED)
    ordering = models.CharField(max_length=8, choices=Ordering.choices, default=Ordering.STATION)
    timeout_s = models.PositiveSmallIntegerField(
        _("timeout (s)"),
        default=15,
        validators=[MinValueValidator(LEAST_TIMEOUT_S), MaxValueValidator(MOST_TIMEOUT_S)],
    )
    contact_email = models.EmailField(
        _("contact"), blank=True, default="", help_text=_("Gets an e-mail when the webhook is disabled.")
    )

    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    state_reason = models.CharField(max_length=255, blank=True, default="")
    cursor = models.BigIntegerField(default=0)
    failure_count = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=255, blank=True, default="")

    created_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "api_webhooks"
        ordering = ["name"]
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(timeout_s__gte=LEAST_TIMEOUT_S, timeout_s__lte=MOST_TIMEOUT_S),
                name="webhook_timeout",
            ),
            models.CheckConstraint(condition=~models.Q(name="") & ~models.Q(url=""), name="webhook_named"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_sending(self) -> bool:
        return self.state in (self.State.ACTIVE, self.State.FAILING)


class WebhookDelivery(models.Model):
    """An event and a webhook: what came of it. The event itself is in its own table.

    A `pending` row waits for `next_attempt_at`, or without that time for an older one of its station.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Expired")

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.CharField(max_length=40)
    type = models.CharField(max_length=48)
    station = models.CharField(max_length=255, blank=True, default="")
    position = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=255, blank=True, default="")
    duration_ms = models.FloatField(null=True, blank=True)
    response_excerpt = models.TextField(blank=True, default="")
    is_replay = models.BooleanField(_("replay"), default=False)
    at = models.DateTimeField(_("time"))

    class Meta:
        db_table = "api_webhook_deliveries"
        ordering = ["-id"]
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        constraints = [models.UniqueConstraint(fields=["endpoint", "event_id"], name="webhook_delivery_once")]
        indexes = [
            models.Index(fields=["endpoint", "-id"], name="webhook_delivery_newest"),
            models.Index(fields=["state", "at"], name="webhook_delivery_age"),
            models.Index(
                fields=["endpoint", "is_replay", "station", "position"],
                name="webhook_delivery_pending",
                condition=models.Q(state="pending"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
