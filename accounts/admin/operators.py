"""Admin page of operators: users with a console login."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import Group
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.admin import site_fields
from accounts.admin.rights import AdministratorsOnly
from accounts.admin.site_fields import SiteFields
from accounts.models import User
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import OperatorAdmin

admin.site.unregister(Group)  # the three roles decide who may do what
# The fields of a person that a picker searches.
PEOPLE = ("name", "first_name", "last_name", "email", "phone", "username")


class _UniqueEmail:
    """An email belongs to one user, whatever its case."""

    def clean_email(self) -> str:
        form: Any = self
        email: str = form.cleaned_data["email"]
        if email and User.objects.filter(email__iexact=email).exclude(pk=form.instance.pk).exists():
            raise forms.ValidationError(gettext("Another user already uses this email."))
        return email


class NewOperatorForm(_UniqueEmail, SiteFields, UserCreationForm):
    """A login with a password, which works at once."""


class OperatorForm(_UniqueEmail, SiteFields, UserChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "is_active" in self.fields:
            self.fields["is_active"].label = _("May sign in")
            self.fields["is_active"].help_text = _("Turn off to lock the login; it is never deleted.")
            # A login from before may lack the switch that the admin itself requires.
            self.initial["is_active"] = self.instance.is_active and self.instance.is_staff


def _is_picker(request: HttpRequest) -> bool:
    """Whether a form searches the choices of a field: pickers of users choose people."""
    match = request.resolver_match
    return match is not None and match.url_name == "autocomplete"


@admin.register(User)
class OperatorsAdmin(AdministratorsOnly, OperatorAdmin, DjangoUserAdmin):  # type: ignore[misc, type-arg]
    form = OperatorForm
    add_form = NewOperatorForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "full_name", "email", "role_label", "may_sign_in", "last_login"]
    list_filter = [("role", ChoicesDropdownFilter), "is_active"]
    search_fields = ["username", "first_name", "last_name", "email"]
    ordering = ["username"]
    filter_horizontal: ClassVar[tuple[str, ...]] = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Access"), {"fields": ("role", *site_fields.FIELDS, "is_active", "is_superuser")}),
        (_("Times"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "role", *site_fields.FIELDS)}),
        (_("Person"), {"fields": (("first_name", "last_name"), "email")}),
        (_("Password"), {"fields": ("password1", "password2")}),
    )
    empty_sentence = _("No operators yet.")
    readonly_fields = ("last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Operators only. People who charge have a page of their own, and the pickers of forms offer them
        alone.
        """
        if _is_picker(request):
            people: QuerySet[Any] = User.objects.choices()
            return people.order_by("name", "first_name", "last_name", "pk")
        has_password = ~Q(password="") & ~Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
        rows: QuerySet[Any] = (
            super().get_queryset(request).filter(Q(is_staff=True) | Q(is_superuser=True) | has_password)
        )
        return rows

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return PEOPLE if _is_picker(request) else tuple(self.search_fields)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if _is_picker(request):
            return access.may_read(request.user)
        return super().has_view_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        # A login that is added or unlocked here signs in to this admin, which requires staff.
        obj.is_staff = obj.is_staff or obj.is_active
        super().save_model(request, obj, form, change)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        # Only a superuser may make superusers: any other administrator could give themselves all rights.
        extra = () if request.user.is_superuser else ("is_superuser",)
        return (*super().get_readonly_fields(request, obj), *extra)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (request.user.is_superuser or not getattr(obj, "is_superuser", False))

    @admin.display(description=_("May sign in"), boolean=True, ordering="is_active")
    def may_sign_in(self, user: User) -> bool:
        return user.is_active and user.is_staff and user.has_usable_password()

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
