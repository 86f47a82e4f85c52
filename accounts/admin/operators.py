"""Admin page of operators: users with a console login."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import Group
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.admin.rights import AdministratorsOnly
from accounts.models import User
from ocpp_server.admin import tones
from ocpp_server.admin.base import OperatorAdmin

admin.site.unregister(Group)  # the three roles decide who may do what


@admin.register(User)
class OperatorsAdmin(AdministratorsOnly, OperatorAdmin, DjangoUserAdmin):  # type: ignore[misc, type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "full_name", "email", "role_label", "is_active", "is_staff", "last_login"]
    list_filter = [("role", ChoicesDropdownFilter), "is_active", "is_staff"]
    search_fields = ["username", "first_name", "last_name", "email"]
    ordering = ["username"]
    filter_horizontal: ClassVar[tuple[str, ...]] = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Access"), {"fields": ("role", "is_active", "is_staff", "is_superuser")}),
        (_("Times"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "password1", "password2", "role", "is_staff")}),)
    readonly_fields = ("last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The list shows operators only; people who charge have a list of their own. Token forms
        find both.
        """
        rows = super().get_queryset(request)
        match = request.resolver_match
        if match is not None and match.url_name == "accounts_user_changelist":
            has_password = ~Q(password="") & ~Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
            rows = rows.filter(Q(is_staff=True) | Q(is_superuser=True) | has_password)
        return rows

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        # Only a superuser may make superusers: any other administrator could give themselves all rights.
        extra = () if request.user.is_superuser else ("is_superuser",)
        return (*super().get_readonly_fields(request, obj), *extra)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (request.user.is_superuser or not getattr(obj, "is_superuser", False))

    @display(description=_("Name"))
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @display(
        description=_("Role"),
        ordering="role",
        label={"viewer": tones.NEUTRAL, "operator": tones.INFO, "administrator": tones.WARNING},
    )
    def role_label(self, user: User) -> tuple[str, str]:
        return user.role, user.get_role_display().partition(":")[0]
