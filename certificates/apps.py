from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CertificatesConfig(AppConfig):
    name = "certificates"
    verbose_name = _("Certificates")

    def ready(self) -> None:
        # The modules below import models: Django has loaded those only now.
        from ocpp_server import commanding

        commanding.announce("certificates.commands")
