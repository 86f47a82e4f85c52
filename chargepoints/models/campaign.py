"""Campaigns: one wish for many stations, with a result for each of them (decision 0084)."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from chargepoints.models.charge_point import ChargePoint
from chargepoints.models.command import Command, campaign_actor
from ocpp_server import sites
from ocpp_server.sites import SiteManager

MOST_STATIONS = 10_000
MOST_AT_ONCE = 200
MOST_PER_MINUTE = 10_000
MOST_ATTEMPTS = 10


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def open(self) -> CampaignQuerySet:
        """The campaigns that housekeeping drives: some of their stations have no result yet."""
        return self.filter(finished_at__isnull=True)


class Campaign(models.Model):
    """A wish for many stations. `kind` names what is done (`services.campaigns.kinds`)."""

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        FINISHED = "finished", _("Finished")
        CANCELLED = "cancelled", _("Cancelled")

    class Step(models.IntegerChoices):
        """The part of the stations that may begin."""

        CANARY = 0, _("One station")
        TENTH = 1, _("10 % of the stations")
        ALL = 2, _("All stations")

    class Offline(models.TextChoices):
        WAIT = "wait", _("Wait for them until the deadline")
        SKIP = "skip", _("Skip them")

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=32)
    arguments = models.JSONField(help_text=_("Secrets masked."))
    # Only for arguments with secrets: all of them, encrypted.
    sealed_arguments = models.TextField(blank=True, default="", editable=False)
    actor = models.CharField(max_length=150, blank=True, default="")

    at_once = models.PositiveSmallIntegerField(
        default=20, validators=[MinValueValidator(1), MaxValueValidator(MOST_AT_ONCE)]
    )
    per_minute = models.PositiveSmallIntegerField(
        _("stations a minute"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_PER_MINUTE)],
        help_text=_("The most stations that are sent to within a minute; empty for no limit."),
    )
    has_canary = models.BooleanField(
        _("canary"), default=True, help_text=_("Begin with one station, then 10 %, then the others.")
    )
    failure_limit_percent = models.PositiveSmallIntegerField(
        _("failure limit"),
        default=20,
        validators=[MaxValueValidator(100)],
        help_text=_("The campaign pauses when more stations fail, in percent of a step's stations."),
    )
    attempts = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(MOST_ATTEMPTS)]
    )
    retry_pause_s = models.PositiveIntegerField(_("pause before a retry"), default=300)
    offline = models.CharField(
        _("offline stations"), max_length=8, choices=Offline.choices, default=Offline.WAIT
    )
    window_from = models.TimeField(null=True, blank=True, help_text=_("Local time of the station."))
    window_to = models.TimeField(null=True, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField()

    state = models.CharField(max_length=16, choices=State.choices, default=State.RUNNING)
    pause_reason = models.CharField(max_length=255, blank=True, default="")
    step = models.PositiveSmallIntegerField(choices=Step.choices, default=Step.CANARY)
    # Failures before the last resume: the operator knows them, so they do not pause the campaign again.
    forgiven = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = SiteManager.from_queryset(CampaignQuerySet)()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="campaign_has_name"),
            models.CheckConstraint(condition=models.Q(at_once__gte=1), name="campaign_at_once"),
            models.CheckConstraint(condition=models.Q(per_minute__gte=1), name="campaign_per_minute"),
            models.CheckConstraint(condition=models.Q(attempts__gte=1), name="campaign_attempts"),
            models.CheckConstraint(
                condition=models.Q(failure_limit_percent__lte=100), name="campaign_failure_limit"
            ),
            models.CheckConstraint(
                condition=models.Q(window_from__isnull=True, window_to__isnull=True)
                | models.Q(window_from__isnull=False, window_to__isnull=False),
                name="campaign_whole_window",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-id"], name="campaign_by_state"),
            models.Index(fields=["kind", "-id"], name="campaign_by_kind"),
            models.Index(fields=["updated_at"], name="campaign_by_change"),
            # SQLite uses a partial index only for a condition without a value.
            models.Index(
                fields=["finished_at"], condition=models.Q(finished_at__isnull=True), name="campaign_open"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def of_sites(cls, ids: frozenset[int]) -> models.Q:
        """The campaigns whose stations all belong to these sites."""
        stations = CampaignStation._base_manager.filter(campaign=models.OuterRef("pk"))
        elsewhere = stations.exclude(sites.condition(CampaignStation, ids))
        return models.Q(models.Exists(stations)) & ~models.Q(models.Exists(elsewhere))

    @property
    def sender(self) -> str:
        """The actor of the commands that the campaign sends."""
        return campaign_actor(self.pk)


class CampaignStation(models.Model):
    """One station of a campaign, and its result.

    A row is claimed before anything is sent. `claim` becomes the id of the first command, so that the row of
    that command shows whether a claim whose process died has sent anything.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        CLAIMED = "claimed", _("Sending")
        SENT = "sent", _("Sent")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Skipped")
        OFFLINE = "offline", _("Offline")

    class Reason(models.TextChoices):
        REJECTED = "rejected", _("Rejected by the station")
        ERROR = "error", _("Answered with an error")
        NO_ANSWER = "no-answer", _("No answer in time")
        CONNECTION_LOST = "connection-lost", _("Connection lost")
        INVALID_ANSWER = "invalid-answer", _("Answer not valid")
        NO_EFFECT = "no-effect", _("Accepted, but without effect")
        NOT_SUPPORTED = "not-supported", _("Not supported")
        REFUSED = "refused", _("Refused by a rule of the server")
        UNCHANGED = "unchanged", _("Already as wanted")
        SERVER_ERROR = "server-error", _("Error of the server")
        OFFLINE = "offline", _("Offline")
        DEADLINE = "deadline", _("Deadline passed")
        CANCELLED = "cancelled", _("Campaign cancelled")

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="stations", db_index=False)
    charge_point = models.ForeignKey(
        ChargePoint, on_delete=models.CASCADE, related_name="campaigns", verbose_name=_("station")
    )
    command = models.ForeignKey(
        Command, null=True, on_delete=models.SET_NULL, related_name="campaign_stations"
    )
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=16, choices=Reason.choices, blank=True, default="")
    detail = models.CharField(max_length=500, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    claim = models.CharField(max_length=36, blank=True, default="", editable=False)
    claimed_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(help_text=_("The next attempt is not earlier."))
    updated_at = models.DateTimeField(auto_now=True)

    objects = SiteManager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("station of a campaign")
        verbose_name_plural = _("stations of campaigns")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "charge_point"], name="campaign_station_once"),
        ]
        indexes = [
            models.Index(fields=["campaign", "state", "id"], name="campaign_station_by_state"),
            models.Index(fields=["campaign", "reason"], name="campaign_station_by_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.charge_point} in {self.campaign}"


# The states of a row that has its result. A retry takes it back.
FINAL = frozenset(
    {
        CampaignStation.State.DONE,
        CampaignStation.State.FAILED,
        CampaignStation.State.SKIPPED,
        CampaignStation.State.OFFLINE,
    }
)
UNDER_WAY = frozenset({CampaignStation.State.CLAIMED, CampaignStation.State.SENT})
