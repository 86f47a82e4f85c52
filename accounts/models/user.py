"""Users: operators of the console, and people who charge."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from ocpp_server import credentials


class UserQuerySet(models.QuerySet["User"]):
    def people(self) -> UserQuerySet:
        """People who charge: every user without access to the admin."""
        return self.filter(is_staff=False, is_superuser=False)

    def choices(self, *, held_by: int | None = None) -> UserQuerySet:
        """The people that a form may choose, and the present choice, whoever that is."""
        people = Q(is_staff=False, is_superuser=False, erased_at__isnull=True)
        return self.filter(people | Q(pk=held_by))


class Users(UserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    use_in_migrations = False


class User(AbstractUser):
    """A person. Operators sign in to the admin, and their role decides what they may do. People who only
    charge have no password. A user is never deleted, only closed, and erased on request.
    """

    class Role(models.TextChoices):
        VIEWER = credentials.Role.VIEWER.value, _("Viewer: reads")
        OPERATOR = credentials.Role.OPERATOR.value, _("Operator: reads and sends commands")
        ADMINISTRATOR = credentials.Role.ADMINISTRATOR.value, _("Administrator: everything")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")
        CLOSED = "closed", _("Closed")

    name = models.CharField(
        max_length=150, blank=True, default="", help_text=_("As it is printed on invoices.")
    )
    phone = models.CharField(max_length=32, blank=True, default="")
    language = models.CharField(max_length=2, blank=True, default="", help_text=_("ISO 639-1, such as de."))
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    # Numbers instead of a relation: they are read with the user, so that a request costs no further query;
    # deleting the last site leaves an empty list, not a login for all sites.
    site_ids = models.JSONField(
        _("sites"), null=True, blank=True, default=None, help_text=_("The sites of this login; null: all.")
    )
    status = models.CharField(
        max_length=16,
        choices=Status.choices,
        default=Status.ACTIVE,
        db_index=True,
        help_text=_("Whether this person may charge."),
    )
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    objects: ClassVar[Users] = Users()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), condition=~Q(email=""), name="user_email_unique")
        ]

    def __str__(self) -> str:
        return self.name or self.get_full_name() or self.username

    @property
    def is_erased(self) -> bool:
        return self.erased_at is not None
