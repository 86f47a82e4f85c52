"""Places with stations: entered, renamed, removed when nothing hangs on them any more."""

from __future__ import annotations

from typing import Any, Final

from django.db import IntegrityError, transaction

from chargepoints.models import Site
from ocpp_server.domain import Conflict, Invalid

_CHANGEABLE: Final = frozenset({"name", "address", "postal_code", "city", "country"})


def create(**settings: Any) -> Site:
    """Enter a site. Raises Invalid, and Conflict when the name exists (case makes no difference)."""
    return _save(Site(), settings)


def update(site: Site, **settings: Any) -> Site:
    """Change what is given. Raises Invalid, Conflict."""
    return _save(site, settings)


def delete(site: Site) -> None:
    """Remove a site without stations and rules.

    Raises Conflict: without its rules, who was allowed nowhere else would be allowed everywhere.
    """
    if site.charge_points.exists():
        raise Conflict(f"Stations belong to the site {site}; move them first.")
    if site.access_rules.exists():
        raise Conflict(f"Access rules name the site {site}; remove them first.")
    site.delete()


def _save(site: Site, settings: dict[str, Any]) -> Site:
    unexpected = settings.keys() - _CHANGEABLE
    if unexpected:
        raise TypeError(f"not a setting of a site: {', '.join(sorted(unexpected))}")
    for name, value in settings.items():
        setattr(site, name, value.strip())
    if not site.name:
        raise Invalid("A site has a name.", field="name")
    try:
        with transaction.atomic():
            site.save()
    except IntegrityError:
        raise Conflict(f"There is a site {site.name} already.", field="name") from None
    return site
