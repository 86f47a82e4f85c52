from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class TariffsConfig(AppConfig):
    name = "tariffs"
    verbose_name = _("Tariffs")

    def ready(self) -> None:
        # The modules below import models: Django has loaded those only now.
        from chargepoints.services.follow_ups.personal import CIPHER
        from ocpp_server import commanding, encryption, prices
        from ocpp_server.live import extensions
        from ocpp_server.process import scheduler
        from tariffs import jobs, live
        from tariffs.models import WebPaymentKey
        from tariffs.services.payment import checkouts, vat_numbers
        from tariffs.services.tariff import pricing

        extensions.register(live.COSTS)
        pricing.pricer.load(settings.OCPP_PRICE, settings.OCPP_DRIVER_TARIFF)
        prices.price.fill(pricing.pricer)
        vat_numbers.checker.load(settings.OCPP_VAT_CHECKER, limit_s=settings.OCPP_VAT_TIMEOUT)
        checkouts.provider.load(settings.OCPP_WEB_PAYMENTS, limit_s=settings.OCPP_WEB_PAYMENTS_TIMEOUT)
        encryption.register(encryption.Column(WebPaymentKey, "sealed_secret", CIPHER))
        scheduler.register(jobs.JOBS)
        commanding.announce("tariffs.commands")
