"""Admin pages of contracts with their members, and of token groups."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from accounts.admin.person_picker import PersonPicker, offer_people
from accounts.admin.rights import BUDGET_LABELS
from accounts.models import Contract, Member, Token, TokenGroup, User
from accounts.models.contract import contract_key
from accounts.services import contracts, membership, token_groups
from ocpp_server.admin import access, tones
from ocpp_server.admin.base import OperatorAdmin
from ocpp_server.domain import DomainError, Invalid
from ocpp_server.rights import Right


class Members(BaseInlineFormSet):  # type: ignore[type-arg]
    """The member rows of a contract's form. The first member of a new contract is its owner."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.initial_form_count():
            self.initial_extra = [{"role": Member.Role.OWNER}]

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        offer_people(form)

    def rows(self) -> list[dict[str, Any]]:
        return [form.cleaned_data for form in self.forms if form.cleaned_data.get("user")]

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        members = self.rows()
        owners = [member for member in members if member["role"] == Member.Role.OWNER]
        if not owners:
            raise forms.ValidationError(
                gettext("A contract must have exactly one owner. Choose the role Owner for one member.")
            )
        if len(owners) > 1:
            raise forms.ValidationError(gettext("A contract must have exactly one owner."))
        for form in self.forms:
            self._require_open(form)
        if any(self.errors):
            return
        if owners[0]["status"] != Member.Status.ACTIVE:
            raise forms.ValidationError(gettext("The owner must be an active member."))
        present = [member for member in members if member["status"] != Member.Status.REMOVED]
        limit = self.instance.max_members
        if limit is not None and len(present) > limit:
            raise forms.ValidationError(
                gettext("At most %(limit)s members, including the owner.") % {"limit": limit}
            )

    def _require_open(self, form: Any) -> None:
        """A closed person cannot join a contract or become its owner."""
        user = form.cleaned_data.get("user")
        is_new = form.instance.pk is None or not {"user", "role"}.isdisjoint(form.changed_data)
        if user and user.status == User.Status.CLOSED and is_new:
            form.add_error("user", gettext("%(person)s is closed.") % {"person": user})


class MemberInline(PersonPicker, TabularInline):
    model = Member
    formset = Members
    fields = ["user", "role", "status"]
    autocomplete_fields = ["user"]
    extra = 0
    min_num = 1
    can_delete = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readable(request, obj, super().get_fields(request, obj))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.may_read(request.user)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.may(request.user, Right.CONTRACTS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.may(request.user, Right.CONTRACTS)


class ContractForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Contract
        fields = "__all__"  # noqa: DJ007 - the admin's fieldsets choose
        labels = BUDGET_LABELS

    def clean_contract_id(self) -> str:
        contract_id: str = self.cleaned_data["contract_id"].strip()
        known = Contract.objects.filter(contract_key=contract_key(contract_id)).exclude(pk=self.instance.pk)
        if known.exists():
            raise forms.ValidationError(gettext("A contract with this id already exists."))
        if "contract_id" in self.changed_data:
            try:
                contracts.check_id(contract_id)
            except Invalid as error:
                raise forms.ValidationError(error.sentence) from None
        return contract_id

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # not in the stubs
        if "contract_id" in self.changed_data:
            self.instance.fill_issuer(before=self.initial.get("contract_id", ""))


@admin.register(Contract)
class ContractAdmin(OperatorAdmin):
    right = Right.CONTRACTS
    form = ContractForm
    inlines = [MemberInline]
    list_display = [
        "contract_id",
        "name",
        "type",
        "status_label",
        "member_count",
        "valid_until",
        "created_at",
    ]
    list_filter = [("status", ChoicesDropdownFilter), ("type", ChoicesDropdownFilter)]
    search_fields = ["contract_id", "name"]
    search_help_text = _("Search by contract id or name.")
    sortable_by = ["contract_id", "created_at"]
    ordering = ["-id"]
    fieldsets = (
        (None, {"fields": (("contract_id", "name"), ("type", "status"), "valid_from", "valid_until")}),
        (_("Limits"), {"fields": ("max_members", ("energy_wh_per_day", "energy_wh_per_month"))}),
        (
            _("Issuer"),
            {
                "classes": ["collapse"],
                "fields": (("country_code", "party_id"), ("issuer", "currency"), "emaid_parts"),
            },
        ),
    )
    readonly_fields = ("emaid_parts",)
    empty_sentence = _(
        "No contracts yet. A contract groups people, tokens and a budget. Tokens also work without one."
    )

    def save_formset(
        self, request: HttpRequest, form: forms.ModelForm[Contract], formset: Members, change: bool
    ) -> None:
        formset.save(commit=False)  # collects the changes for the history
        try:
            with transaction.atomic():
                _save_members(form.instance, formset.rows())
        except DomainError as error:
            messages.error(request, gettext("Members not changed: %(reason)s") % {"reason": error.sentence})

    @admin.display(description=_("eMAID"))
    def emaid_parts(self, contract: Contract) -> str:
        parts = contract.emaid
        if parts is None:
            return "–"
        spelled = "-".join((parts.country, parts.provider, parts.instance, parts.check))
        return gettext("%(emaid)s (check character %(check)s)") % {"emaid": spelled, "check": parts.check}

    @display(description=_("State"), ordering="status", label=tones.CONTRACT)
    def status_label(self, contract: Contract) -> tuple[str, str]:
        return contract.status, contract.get_status_display()


def _save_members(contract: Contract, rows: list[dict[str, Any]]) -> None:
    """Make the contract's members match the rows. Raises the errors of the membership service."""
    present = {member.user_id: member for member in contract.members.all()}
    owner = next((member for member in present.values() if member.role == Member.Role.OWNER), None)
    to = next(one["user"] for one in rows if one["role"] == Member.Role.OWNER)
    if owner is None:
        membership.require_open(to, field="owner")
        Member(contract=contract, user=to, role=Member.Role.OWNER).save()
    elif owner.user_id != to.pk:
        membership.transfer(owner=owner, to=to)
    for one in rows:
        member = contract.members.filter(user=one["user"]).first()
        if member is None:
            membership.add(contract, user=one["user"], role=one["role"], status=one["status"])
        elif (member.role, member.status) != (one["role"], one["status"]):
            membership.change(member, role=one["role"], status=one["status"])


class TokenGroupForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean_group_id(self) -> str:
        group_id: str = self.cleaned_data["group_id"].strip()
        known = TokenGroup.objects.filter(group_key=group_id.casefold()).exclude(pk=self.instance.pk)
        if known.exists():
            raise forms.ValidationError(gettext("A group with this id already exists."))
        return group_id

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        contract = cleaned.get("contract") or self.instance.contract_id and self.instance.contract
        group_id = cleaned.get("group_id")
        foreign = Token.objects.filter(group_id__iexact=group_id or "").exclude(contract=contract)
        if group_id and contract and foreign.filter(contract__isnull=False).exists():
            self.add_error("group_id", gettext("Tokens of another contract already use this group id."))
        return cleaned


@admin.register(TokenGroup)
class TokenGroupAdmin(OperatorAdmin):
    right = Right.CONTRACTS
    form = TokenGroupForm
    list_display = ["group_id", "name", "contract", "created_at"]
    list_select_related = ["contract"]
    search_fields = ["group_id", "name", "contract__contract_id"]
    search_help_text = _("Search by group id, name or contract.")
    sortable_by = ["group_id"]
    ordering = ["-id"]
    autocomplete_fields = ["contract"]
    fieldsets = ((None, {"fields": (("group_id", "name"), "contract", "linked")}),)
    empty_sentence = _(
        "No token groups yet. A session started with one token of a group may be stopped with another."
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["linked"] if obj is None else ["contract", "linked"]

    def save_model(self, request: HttpRequest, obj: TokenGroup, form: TokenGroupForm, change: bool) -> None:
        if change:
            token_groups.update(obj, group_id=form.cleaned_data["group_id"], name=form.cleaned_data["name"])
            return
        made = token_groups.create(contract=obj.contract, group_id=obj.group_id, name=obj.name)
        obj.pk, obj._state.adding = made.pk, False

    @admin.display(description=_("Tokens"))
    def linked(self, group: TokenGroup) -> str:
        uids = Token.objects.filter(group_id__iexact=group.group_id).values_list("uid", flat=True)[:50]
        return ", ".join(uids) if group.pk and uids else "–"
