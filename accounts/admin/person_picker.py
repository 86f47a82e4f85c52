"""The field `user` in the forms of tokens and members: it offers people, and links to their pages."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import Field
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Person, User
from ocpp_server.admin.base import link


class PersonPicker:
    """For the admin or the inline of a model with a field `user`.

    People and operators are rows of one table. Without this class the buttons beside the field, and its link
    for a reader, would lead to the pages of operators.
    """

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        base: Any = super()
        found = base.formfield_for_dbfield(db_field, request, **kwargs)
        widget = getattr(found, "widget", None)
        if db_field.name == "user" and isinstance(widget, RelatedFieldWidgetWrapper):
            people = admin.site.get_model_admin(Person)
            if "label" not in kwargs:
                found.label = _("Person")
            widget.rel = copy(widget.rel)
            widget.rel.model = Person
            widget.can_add_related = people.has_add_permission(request)
            widget.can_change_related = people.has_change_permission(request)
        return found

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        base: Any = super()
        return [*base.get_readonly_fields(request, obj), "person"]

    def readable(self, request: HttpRequest, obj: Any, fields: Any) -> Any:
        """The fields, with a link to the person instead of `user` for someone who may not change it."""
        here: Any = self
        if here.has_change_permission(request, obj):
            return fields
        if isinstance(fields, (list, tuple)):
            return type(fields)(self.readable(request, obj, one) for one in fields)
        return "person" if fields == "user" else fields

    @admin.display(description=_("Person"))
    def person(self, row: Any) -> str:
        holder = row.user
        if holder is None:
            return "–"
        if holder.is_staff or holder.is_superuser:  # a console login has no page among the people
            return str(holder)
        return link(reverse("admin:accounts_person_change", args=[holder.pk]), holder)


def offer_people(form: Any) -> None:
    """Let the field `user` of this form take people, and the one it has."""
    if "user" in form.fields:
        form.fields["user"].queryset = User.objects.choices(held_by=form.instance.user_id)
