"""Sites: list, create, change, and delete when no station or access rule belongs to them."""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import available_timezones

from django.db import IntegrityError, transaction

from chargepoints.models import ChargePoint, Site
from ocpp_server import sites as rule_of_sites
from ocpp_server.domain import Conflict, Invalid
from ocpp_server.error_codes import Code

_CHANGEABLE: Final = frozenset({"name", "address", "postal_code", "city", "country", "time_zone"})
TEST_SITE: Final = "Sandbox"


def names() -> dict[int, str]:
    """The sites of the present caller by their numbers, in the order of their names."""
    return dict(Site.objects.order_by("name_key").values_list("pk", "name"))


def identities() -> set[str]:
    """The identities of the present caller's stations."""
    return set(ChargePoint.objects.values_list("identity", flat=True))


def test_site() -> int:
    """The number of the site of test keys. It is created when it is first needed."""
    found = _test_site()
    if found is None:
        name = TEST_SITE
        while Site._base_manager.filter(name_key=name.casefold()).exists():
            name += " (test)"
        # Another process may be first: the name is unique.
        made = Site(name=name, name_key=name.casefold(), is_test=True)
        Site._base_manager.bulk_create([made], ignore_conflicts=True)
        found = _test_site()
    assert found is not None
    return found


def _test_site() -> int | None:
    # A caller that is limited to other sites would not find it.
    return Site._base_manager.filter(is_test=True).values_list("pk", flat=True).first()


def create(**settings: Any) -> Site:
    """Create a site. Raises Invalid, and Conflict when the name exists (case makes no difference)."""
    return _save(Site(), settings)


def update(site: Site, **settings: Any) -> Site:
    """Change the given settings. Raises Invalid, Conflict. Test keys have the test site in common."""
    if site.is_test and rule_of_sites.is_limited():
        raise Conflict(f"The site {site} is that of all test keys, which can't change it.", code=Code.IN_USE)
    return _save(site, settings)


def delete(site: Site) -> None:
    """Delete a site without stations and access rules.

    Raises Conflict otherwise, because without its rules a token that was allowed only here would be allowed
    everywhere. The test site stays.
    """
    if site.is_test:
        raise Conflict(f"The site {site} is that of test keys.", code=Code.IN_USE)
    if site.charge_points.exists():
        raise Conflict(f"The site {site} has stations. Move them first.", code=Code.IN_USE)
    if site.access_rules.exists():
        raise Conflict(f"The site {site} has access rules. Delete them first.", code=Code.IN_USE)
    site.delete()


def _save(site: Site, settings: dict[str, Any]) -> Site:
    unexpected = settings.keys() - _CHANGEABLE
    if unexpected:
        raise TypeError(f"not a setting of a site: {', '.join(sorted(unexpected))}")
    for name, value in settings.items():
        setattr(site, name, value.strip())
    if not site.name:
        raise Invalid("Must not be blank.", field="name")
    if site.time_zone and site.time_zone not in available_timezones():
        raise Invalid(
            f"{site.time_zone} is not a time zone. Use a name such as Europe/Vienna.", field="timeZone"
        )
    try:
        with transaction.atomic():
            site.save()
    except IntegrityError:
        raise Conflict(f"A site {site.name} already exists.", field="name", code=Code.DUPLICATE) from None
    return site
