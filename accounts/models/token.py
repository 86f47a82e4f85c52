"""Tokens (OCPI 2.2.1 section 12.3.2), and unknown tokens that stations reported."""

from __future__ import annotations

import re
from collections.abc import Collection

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts import emaid
from accounts.models.budget import Budgeted
from accounts.models.contract import Contract
from accounts.models.user import User

_SEPARATORS = re.compile(r"[:.\- ]")
_MAC = re.compile(r"[0-9a-f]{12}")

_METHODS = {"RFID": "RFID", "APP_USER": "App", "AD_HOC_USER": "Ad hoc", "EMAID": "Plug & Charge"}


def normalise_uid(uid: str) -> str:
    """Return the normalised uid, which comparisons use. OCPP's idTag is case-insensitive (1.6 CiString20);
    surrounding blanks are ignored, and so are the separators of a vehicle's MAC address. An eMAID is the same
    with and without its separators and its check character. With OCPP_TOKEN_NORMAL_FORM separators are
    ignored in every uid.
    """
    if key := emaid.comparable(uid):
        return key
    key = uid.strip().casefold()
    if settings.OCPP_TOKEN_NORMAL_FORM:
        return _SEPARATORS.sub("", key)
    if key.startswith("vid:") and _MAC.fullmatch(bare := _SEPARATORS.sub("", key[4:])):
        return f"vid:{bare}"
    return key


class Token(Budgeted):
    """An RFID card, an app user or a vehicle that may be allowed to charge. A token is never deleted: it
    becomes invalid.
    """

    class Type(models.TextChoices):
        RFID = "RFID", _("RFID card")
        APP_USER = "APP_USER", _("App user")
        AD_HOC_USER = "AD_HOC_USER", _("Ad hoc user")
        EMAID = "EMAID", _("Contract of a vehicle (eMAID)")
        OTHER = "OTHER", _("Other (vehicle, autocharge)")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        BLOCKED = "blocked", _("Blocked")
        LOST = "lost", _("Lost")
        EXPIRED = "expired", _("Expired")
        INVALID = "invalid", _("Invalid")

    class Whitelist(models.TextChoices):
        ALWAYS = "ALWAYS", _("Always")
        ALLOWED = "ALLOWED", _("Allowed")
        ALLOWED_OFFLINE = "ALLOWED_OFFLINE", _("Allowed offline")
        NEVER = "NEVER", _("Never")

    class Profile(models.TextChoices):
        CHEAP = "CHEAP", _("Cheap")
        FAST = "FAST", _("Fast")
        GREEN = "GREEN", _("Green")
        REGULAR = "REGULAR", _("Regular")

    uid = models.CharField(max_length=255)
    uid_key = models.CharField(max_length=255, editable=False, help_text=_("The uid as it is compared."))
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="tokens")
    contract = models.ForeignKey(
        Contract, null=True, blank=True, on_delete=models.PROTECT, related_name="tokens"
    )
    type = models.CharField(max_length=16, choices=Type.choices, default=Type.RFID)
    group_id = models.CharField(
        max_length=36,
        blank=True,
        default="",
        db_index=True,
        help_text=_("1.6 parentIdTag, 2.x groupIdToken."),
    )
    name = models.CharField(
        max_length=100, blank=True, default="", help_text=_("Whose it is, or what is printed on it.")
    )
    visual_number = models.CharField(
        max_length=64, blank=True, default="", help_text=_("The number printed on the card.")
    )
    issuer = models.CharField(max_length=64, blank=True, default="")
    country_code = models.CharField(
        max_length=2, blank=True, default="", help_text=_("Of the issuer, such as DE.")
    )
    party_id = models.CharField(
        max_length=3, blank=True, default="", help_text=_("Of the issuer, ISO 15118-1.")
    )
    language = models.CharField(max_length=2, blank=True, default="", help_text=_("ISO 639-1, such as de."))
    whitelist = models.CharField(
        max_length=16,
        choices=Whitelist.choices,
        default=Whitelist.ALLOWED,
        help_text=_("Whether stations may decide by their own list."),
    )
    default_profile_type = models.CharField(max_length=8, choices=Profile.choices, blank=True, default="")
    energy_contract = models.JSONField(
        null=True, blank=True, help_text=_("OCPI EnergyContract: supplier_name, contract_id.")
    )
    is_master = models.BooleanField(
        default=False, help_text=_("A master pass: it may stop every session and starts none.")
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE, db_index=True)
    valid = models.BooleanField(default=True)
    valid_from = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["uid_key", "type"], name="token_uid_unique_per_type"),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True)
                | Q(valid_from__isnull=True)
                | Q(expires_at__gt=F("valid_from")),
                name="token_expires_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return self.uid

    @property
    def method(self) -> str:
        """How the driver identifies, derived from the type and the form of the uid."""
        if self.type == self.Type.OTHER:
            return "Vehicle autocharge" if self.uid.upper().startswith("VID:") else "Other"
        return _METHODS[self.type]

    def reconcile(self, given: Collection[str] = (), *, before: str = "") -> None:
        """Make `status` and `valid` agree: a token that is not valid is invalid, whatever made it so.

        `given` are the changed fields: where only one of the two is given, it may make an invalid token valid
        again. `before` is the status before the change.
        """
        if self.valid and "valid" in given and "status" not in given and self.status == self.Status.INVALID:
            self.status = self.Status.ACTIVE
        if before == self.Status.INVALID != self.status and "status" in given and "valid" not in given:
            self.valid = True
        if not self.valid and self.status == self.Status.ACTIVE:
            self.status = self.Status.INVALID
        elif self.status == self.Status.INVALID:
            self.valid = False

    def save(self, *args: object, **kwargs: object) -> None:
        self.uid = self.uid.strip()
        self.uid_key = normalise_uid(self.uid)
        self.reconcile()
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class UnknownToken(models.Model):
    """A uid that a station reported and that is not a token yet: a row of the operator's inbox."""

    uid = models.CharField(max_length=255)
    uid_key = models.CharField(max_length=255, unique=True, editable=False)
    last_seen_where = models.CharField(max_length=300, blank=True, default="")
    count = models.PositiveIntegerField(default=1)
    is_ignored = models.BooleanField(default=False)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = [F("last_seen_at").desc()]

    def __str__(self) -> str:
        return self.uid
