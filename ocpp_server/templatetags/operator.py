"""Filters for the templates of the operator's pages, beside Django's own."""

from __future__ import annotations

from django import template

from ocpp_server.admin import access, cells

register = template.Library()
register.filter("kilowatt_hours", cells.kilowatt_hours)
# {% if request.user|may:"tokens" %}: the rule that the view behind a button checks.
register.filter("may", access.may)
register.filter("short_energy", cells.short_energy)


@register.filter
def columns(heads: str) -> list[str]:
    """The column heads of a table, written "One|Two|Three" where it is included."""
    return heads.split("|")


@register.filter
def figure(value: float) -> str:
    """A measured value with as many decimals as it needs, three at most."""
    return f"{value:,.3f}".rstrip("0").rstrip(".")
