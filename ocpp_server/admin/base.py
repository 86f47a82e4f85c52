"""The base classes of the admin's lists: permissions by role, and fast pages on large tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import msgspec
from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from ocpp_server import sites
from ocpp_server.admin import access, menu, pages, totals
from ocpp_server.admin.totals import CappedPaginator
from ocpp_server.domain import Invalid
from ocpp_server.observability.masking import MASK, masked_frame, masked_text
from ocpp_server.rights import Right
from ocpp_server.sites import SiteManager
from ocpp_server.storage.row_numbers import row_number


class OperatorChangeList(ChangeList):
    """Counts all rows only for a search or filter. Sorts only by the columns that the page offers: another
    field in the URL could sort a whole large table.
    """

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.request = request
        super().__init__(request, *args, **kwargs)
        # Instead of Django's title, such as "Select charge point to change".
        title = menu.title_of(f"{self.opts.app_label}_{self.opts.model_name}")
        self.title = str(title or capfirst(self.opts.verbose_name_plural))

    def get_ordering_field(self, field_name: str) -> Any:
        return super().get_ordering_field(field_name) if field_name in self.sortable_by else None

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        # The heading shows the number of results, which is not known of a capped list.
        if self.paginator.is_capped or not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count

    @property
    def beyond(self) -> str:
        """The query string of the rows after the last page of a capped list; empty on other pages."""
        if not (self.paginator.is_capped and self.page_num == self.paginator.num_pages and self.result_list):
            return ""
        *_, last = self.result_list
        ordering = self.get_ordering(self.request, self.queryset)
        lookup = totals.beyond(self.model, str(ordering[0]), last) if ordering else {}
        return self.get_query_string(lookup, [PAGE_VAR]) if lookup else ""


class OperatorAdmin(ModelAdmin):
    """Every login may read, a role with the right `right` may write, and deleting is not allowed.

    The column `row_actions` has the buttons of a row, and is shown with the same right.
    `exact_search` lists the fields that must equal a search term, for tables too large for "contains".
    `station_ordering` is the order of the index for the list of one station. This class also serves the pages
    that another app registered for the model (`pages`).
    """

    right: Right
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    list_filter_submit = True
    list_fullwidth = True
    empty_value_display = "–"
    empty_sentence: str | Promise = ""
    exact_search: tuple[str, ...] = ()
    station_ordering: tuple[str, ...] = ()

    class Media:
        js = ("operator/pickers.js",)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, forms.SplitDateTimeField):
            name_parts(field, str(capfirst(field.label or "")))
        if isinstance(field, forms.ModelChoiceField) and sites.is_limited():
            choices: Any = field.queryset
            field.queryset = sites.limited(choices)
        return field

    def get_queryset(self, request: HttpRequest) -> Any:
        found: Any = super().get_queryset(request)
        is_limited_already = isinstance(self.model._default_manager, SiteManager)
        return found if is_limited_already else sites.limited(found)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Saves what belongs to the row, and undoes it all if the login could not see the row afterwards."""
        super().save_related(request, form, formsets, change)
        try:
            sites.require(form.instance)
        except Invalid as error:
            raise PermissionDenied(error.sentence) from None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return access.may_read(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return access.may_read(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return access.may(request.user, self.right)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return access.may(request.user, self.right)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        columns = list(super().get_list_display(request))
        if "row_actions" in columns and not access.may(request.user, self.right):
            columns.remove("row_actions")
        return columns

    def get_urls(self) -> list[Any]:
        return [*pages.of(self.model).urls(self.admin_site), *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = super().get_actions(request)
        for action in pages.of(self.model).actions:
            found |= action.offered(request.user)
        return found

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        registered = pages.of(self.model)
        if registered.change is not None:
            return registered.change(request, object_id)
        if registered.below_form is not None:
            extra_context = registered.below_form(request, object_id) | (extra_context or {})
        form: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        return form

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OperatorChangeList

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        if self.station_ordering and request.GET.get("station"):
            return self.station_ordering
        return tuple(super().get_ordering(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not self.exact_search or not search_term.strip():
            found: tuple[QuerySet[Any], bool] = super().get_search_results(request, queryset, search_term)
            return found
        return self.search_exactly(queryset, search_term.strip()), False

    def search_exactly(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        """The rows that match by the first possible field. Each query uses one index; an OR over all fields
        would read the whole table.
        """
        for field in self.exact_search:
            condition = self._condition(field, term)
            if condition is not None:
                found = queryset.filter(**condition)
                if found.exists():
                    return found
        return queryset.none()

    def _condition(self, field: str, term: str) -> dict[str, Any] | None:
        """The filter for a term; None if the term can't be a value of the field."""
        if field in {"pk", "transaction_id"}:
            number = row_number(term)
            return None if number is None else {field: number}
        if field == "charge_point":
            station = station_key(self.model, term)
            return None if station is None else {"charge_point_id": station}
        return {field: term}


class EvidenceAdmin(OperatorAdmin):
    """Rows that prove what happened: they can't be added, edited or deleted here. `json_fields` are shown
    indented.
    """

    actions: Any = None
    json_fields: tuple[str, ...] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        """The model's fields, with links to other pages and indented JSON."""
        shown: dict[str, Any] = {name: json_column(name) for name in self.json_fields}
        shown |= {"charge_point": "station"}
        if hasattr(self, "session"):
            shown |= {"transaction": "session"}
        return [shown.get(str(name), name) for name in super().get_fields(request, obj)]

    @admin.display(description=_("Station"), ordering="charge_point__identity_key")
    def station(self, row: Any) -> str:
        return "–" if row.charge_point is None else station_link(row.charge_point)


def name_parts(field: forms.SplitDateTimeField, name: str) -> None:
    """Name the two inputs of a time, which have no label of their own."""
    for widget, part in zip(field.widget.widgets, (gettext("date"), gettext("time")), strict=True):
        widget.attrs["aria-label"] = gettext("%(name)s: %(part)s") % {"name": name, "part": part}


def station_key(model: type[Model], identity: str) -> int | None:
    """The key of the station with this identity, found by the related model of `charge_point`."""
    stations: Any = model._meta.get_field("charge_point").related_model
    key: int | None = stations._default_manager.by_identity(identity).values_list("pk", flat=True).first()
    return key


def link(href: str, words: object) -> str:
    """A link in a list. The words are escaped, because they may come from a station."""
    return format_html('<a class="op-link" href="{}">{}</a>', href, words)


def station_link(charge_point: Any) -> str:
    return link(reverse("admin:station", args=[charge_point.pk]), charge_point.identity)


def session_link(number: int | None) -> str:
    return (
        "–"
        if number is None
        else link(reverse("admin:transactions_transaction_change", args=[number]), number)
    )


@cache
def json_column(name: str) -> Callable[[Any], str]:
    """A read-only column with indented JSON, from a text or a value. Numbers keep their digits, because the
    row is evidence.
    """

    @admin.display(description=name.replace("_", " ").capitalize())
    def shown(row: Any) -> str:
        value = getattr(row, name)
        if value in (None, ""):
            return "–"
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if MASK not in text:  # may have been stored before its secrets were masked
            action = getattr(row, "action", "")
            text = masked_frame(text) if text.startswith("[") else masked_text(text, action)
        with suppress(msgspec.MsgspecError, RecursionError):  # not JSON, or truncated: shown as it is
            text = msgspec.json.format(text, indent=2)
        return format_html('<pre class="op-pre" tabindex="0">{}</pre>', text)

    return shown


def post_button(action: str, words: str) -> str:
    """A button in a list. It submits the form of the list, with its CSRF token, because HTML forms can't be
    nested.
    """
    return format_html('<button type="submit" class="op-button" formaction="{}">{}</button>', action, words)


def back(request: HttpRequest, otherwise: str) -> str:
    """The page with the pressed button, if it is on this server; else the view `otherwise`."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return reverse(otherwise)
