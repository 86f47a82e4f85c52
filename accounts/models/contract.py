"""Contracts: the agreement a person charges under, and its members (OCPI 2.2.1: `contract_id` of a Token)."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import emaid
from accounts.models.budget import Budgeted
from accounts.models.user import User


def contract_key(contract_id: str) -> str:
    """Return the normalised contract id, which comparisons use: an eMAID without its check character, other
    texts without case.
    """
    return emaid.key(contract_id) or contract_id.strip().casefold()


def is_same_contract(first: str, second: str) -> bool:
    """Whether two texts are the same contract id, with or without separators and check character."""
    return emaid.is_same(first, second)


class Contract(Budgeted):
    """An agreement with one person, a family or a fleet. A contract is never deleted, only terminated."""

    class Type(models.TextChoices):
        INDIVIDUAL = "individual", _("Individual")
        FAMILY = "family", _("Family")
        FLEET = "fleet", _("Fleet")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")
        EXPIRED = "expired", _("Expired")
        TERMINATED = "terminated", _("Terminated")

    contract_id = models.CharField(
        max_length=36, help_text=_("An eMAID, or any other text; case makes no difference.")
    )
    contract_key = models.CharField(
        max_length=108, unique=True, editable=False, help_text=_("The contract id as it is compared.")
    )
    name = models.CharField(max_length=150, blank=True, default="")
    type = models.CharField(max_length=16, choices=Type.choices, default=Type.INDIVIDUAL)
    country_code = models.CharField(
        max_length=2, blank=True, default="", help_text=_("Of the issuer, such as DE.")
    )
    party_id = models.CharField(
        max_length=3, blank=True, default="", help_text=_("Of the issuer, ISO 15118-1.")
    )
    issuer = models.CharField(max_length=64, blank=True, default="")
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    max_members = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("How many people may belong to it, its owner included.")
    )
    currency = models.CharField(max_length=3, blank=True, default="", help_text=_("ISO 4217, such as EUR."))
    energy_contract = models.JSONField(
        null=True, blank=True, help_text=_("OCPI EnergyContract: supplier_name, contract_id.")
    )
    member_count = models.PositiveIntegerField(default=0, editable=False)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True)
                | Q(valid_from__isnull=True)
                | Q(valid_until__gt=F("valid_from")),
                name="contract_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(max_members__isnull=True) | Q(member_count__lte=F("max_members")),
                name="contract_members_within_limit",
            ),
        ]

    def __str__(self) -> str:
        return self.contract_id

    @property
    def emaid(self) -> emaid.Emaid | None:
        """The parts of the contract id, with its check character; None if it is not an eMAID."""
        return emaid.complete(self.contract_id)

    def fill_issuer(self, *, before: str = "") -> None:
        """Set the issuer's country and party from an eMAID, where empty or set from `before`."""
        now, old = emaid.parse(self.contract_id), emaid.parse(before)
        if now is not None:
            if self.country_code in ("", old.country if old else ""):
                self.country_code = now.country
            if self.party_id in ("", old.provider if old else ""):
                self.party_id = now.provider

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.contract_id = emaid.normalise(self.contract_id) or self.contract_id.strip()
        self.contract_key = contract_key(self.contract_id)
        super().save(*args, **kwargs)


class MemberQuerySet(models.QuerySet["Member"]):
    def present(self) -> MemberQuerySet:
        """Active and invited members, without removed ones."""
        return self.exclude(status=Member.Status.REMOVED)


class Member(models.Model):
    """A user's membership in a contract. The rights of each role are in `services/membership.py`."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        MEMBER = "member", _("Member")
        VIEWER = "viewer", _("Viewer")

    class Status(models.TextChoices):
        INVITED = "invited", _("Invited")
        ACTIVE = "active", _("Active")
        REMOVED = "removed", _("Removed")

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MemberQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "user"], name="member_once_per_contract"),
            models.UniqueConstraint(fields=["contract"], condition=Q(role="owner"), name="member_one_owner"),
            models.CheckConstraint(
                condition=~Q(role="owner") | Q(status="active"), name="member_owner_is_active"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.role} of {self.contract}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        # The contract's row is locked first, so that two people who join at the same time are counted one by
        # one.
        with transaction.atomic():
            Contract.objects.select_for_update().get(pk=self.contract_id)
            super().save(*args, **kwargs)
            self._count()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            Contract.objects.select_for_update().get(pk=self.contract_id)
            deleted = super().delete(*args, **kwargs)
            self._count()
        return deleted

    def _count(self) -> None:
        present = Member.objects.filter(contract_id=self.contract_id).present().count()
        Contract.objects.filter(pk=self.contract_id).update(member_count=present, updated_at=timezone.now())
