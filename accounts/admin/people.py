"""Admin page of people who charge: a form with their data, and below it their contracts, tokens
and sessions.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from accounts.models import Contract, Member, Person
from accounts.services import people
from ocpp_server.admin import tones
from ocpp_server.admin.base import OperatorAdmin
from ocpp_server.rights import Right


class PersonForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Person
        fields = ("name", "email", "phone", "language", "status")

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        taken = Person.objects.filter(email__iexact=email).exclude(pk=self.instance.pk)
        if email and taken.exists():
            raise forms.ValidationError(gettext("Another person already uses this email."))
        return email

    def clean_status(self) -> str:
        status: str = self.cleaned_data["status"]
        owned = Member.objects.filter(
            user=self.instance.pk, role=Member.Role.OWNER, contract__status=Contract.Status.ACTIVE
        )
        if status == Person.Status.CLOSED and owned.exists():
            raise forms.ValidationError(
                gettext("This person owns an active contract. Transfer or terminate the contract first.")
            )
        return status


@admin.register(Person)
class PersonAdmin(OperatorAdmin):
    right = Right.PEOPLE
    form = PersonForm
    list_display = [
        "display_name",
        "email",
        "phone",
        "status_label",
        "token_count",
        "contract_count",
        "created_at",
    ]
    list_filter = [("status", ChoicesDropdownFilter)]
    search_fields = ["name", "email", "phone", "username"]
    search_help_text = _("Search by name, email or phone.")
    sortable_by = ["display_name", "created_at"]
    ordering = ["-id"]
    fieldsets = ((None, {"fields": (("name", "email"), ("phone", "language"), "status")}),)
    change_form_outer_after_template = "operator/person.html"
    empty_sentence = _("No people yet. Add the first person here or over the REST API.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).filter(is_staff=False, is_superuser=False)
        counted: QuerySet[Any] = rows.annotate(
            tokens_held=Count("tokens", filter=Q(tokens__valid=True), distinct=True),
            contracts_joined=Count(
                "memberships", filter=~Q(memberships__status=Member.Status.REMOVED), distinct=True
            ),
        )
        return counted

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or not obj.is_erased)

    def save_model(self, request: HttpRequest, obj: Person, form: PersonForm, change: bool) -> None:
        if change:
            people.update(obj, **{name: form.cleaned_data[name] for name in form.changed_data})
            return
        made = people.create(**form.cleaned_data)
        obj.pk, obj.username, obj._state.adding = made.pk, made.username, False

    @admin.display(description=_("Person"), ordering="name")
    def display_name(self, row: Person) -> str:
        return str(row) if not row.is_erased else gettext("Erased (%(id)s)") % {"id": row.pk}

    @display(description=_("State"), ordering="status", label=tones.USER)
    def status_label(self, row: Person) -> tuple[str, str]:
        return row.status, row.get_status_display()

    @admin.display(description=_("Tokens"))
    def token_count(self, row: Any) -> int:
        return int(row.tokens_held)

    @admin.display(description=_("Contracts"))
    def contract_count(self, row: Any) -> int:
        return int(row.contracts_joined)
