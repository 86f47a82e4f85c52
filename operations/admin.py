"""Registers the dashboard's menu entry and the pages of stations, sessions and people."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server.admin import menu, pages
from ocpp_server.admin.pages import Pages
from operations import apply_template, campaign, compare, many_stations, person, session, station

menu.page(menu.OVERVIEW, 10, _("Dashboard"), "dashboard", "admin:index")
pages.register(
    "chargepoints.ChargePoint",
    Pages(
        urls=lambda site: [*station.urls(site), *many_stations.urls(site), *apply_template.urls(site)],
        actions=(many_stations.SEND_A_COMMAND, apply_template.APPLY_A_TEMPLATE, compare.COMPARE),
    ),
)
pages.register("chargepoints.Campaign", Pages(urls=campaign.urls, change=campaign.page))
pages.register("transactions.Transaction", Pages(urls=session.urls, change=session.page))
pages.register("accounts.Person", Pages(urls=person.urls, below_form=person.overview))
