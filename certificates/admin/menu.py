"""The menu entries of certificates."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from ocpp_server.admin import menu

menu.page(menu.DETAILS, 100, _("Expiring certificates"), "hourglass_bottom", "admin:certificates-expiring")
menu.model(menu.DETAILS, 101, _("Trusted roots"), "verified_user", "certificates_trustroot")
menu.model(menu.DETAILS, 103, _("Root sets"), "library_add_check", "certificates_rootset")
menu.model(menu.DETAILS, 102, _("Installed certificates"), "badge", "certificates_installedcertificate")
menu.model(menu.DETAILS, 105, _("Revoked certificates"), "block", "certificates_revokedcertificate")
menu.model(menu.DETAILS, 106, _("Revocation lists"), "playlist_remove", "certificates_revocationlist")
menu.model(menu.INBOXES, 15, _("Signing requests"), "approval", "certificates_signingrequest")
menu.model(menu.LOGS, 62, _("Issued certificates"), "workspace_premium", "certificates_issuedcertificate")
menu.model(menu.DETAILS, 111, _("CAs"), "account_balance", "certificates_certificateauthority")
menu.model(menu.DETAILS, 112, _("CA requests"), "add_moderator", "certificates_authorityrequest")
