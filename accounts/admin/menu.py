"""The menu entries of accounts."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server.admin import menu

menu.model(menu.CHARGING, 10, _("People"), "person", "accounts_person")
menu.model(menu.CHARGING, 20, _("Contracts"), "contract", "accounts_contract")
menu.model(menu.CHARGING, 30, _("Tokens"), "badge", "accounts_token")
menu.model(menu.CHARGING, 40, _("Token groups"), "group_work", "accounts_tokengroup")
menu.model(menu.INBOXES, 20, _("Unknown tokens"), "contactless", "accounts_unknowntoken")
menu.model(menu.ACCESS, 10, _("Operators"), "group", "accounts_user", permission=menu.ADMINISTRATORS)
menu.model(menu.ACCESS, 20, _("API keys"), "key", "accounts_apikey", permission=menu.ADMINISTRATORS)
menu.model(
    menu.ACCESS,
    25,
    _("API key requests"),
    "manage_search",
    "accounts_apikeyrequest",
    permission=menu.ADMINISTRATORS,
)
menu.model(menu.ACCESS, 60, _("Audit log"), "policy", "accounts_auditentry", permission=menu.ADMINISTRATORS)
menu.model(
    menu.DEVELOPER,
    40,
    _("Idempotent requests"),
    "repeat_one",
    "accounts_idempotentrequest",
    permission=menu.ADMINISTRATORS,
)
