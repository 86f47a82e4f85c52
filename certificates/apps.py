from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class CertificatesConfig(AppConfig):
    name = "certificates"
    verbose_name = _("Certificates")

    def ready(self) -> None:
        # The modules below import models: Django has loaded those only now.
        from certificates import jobs
        from certificates.metrics import FLEET, PlugAndChargeCollector
        from certificates.models import RevocationList, RevokedCertificate, RootSet, TrustRoot
        from certificates.services.certificates import (
            campaigns,
            clients,
            contract_providers,
            contracts,
            manufacturers,
            profiles,
        )
        from chargepoints.services.campaigns import kinds
        from chargepoints.services.provisioning import trust
        from ocpp_server import commanding, contract_certificates
        from ocpp_server.environment.roles import Role
        from ocpp_server.manufacturer_roots import manufacturer_roots
        from ocpp_server.observability import fleet, metrics
        from ocpp_server.process import scheduler, work
        from ocpp_server.storage import deletions
        from ocpp_server.transport.handshake import client_certificates

        contract_certificates.port.fill(contracts)
        contract_providers.providers.load(
            settings.OCPP_CONTRACT_PROVIDERS, limit_s=settings.OCPP_CONTRACT_PROVIDER_TIMEOUT
        )
        metrics.register(PlugAndChargeCollector)
        commanding.announce("certificates.commands")
        client_certificates.port.fill(clients)
        trust.port.fill(profiles)
        scheduler.register(jobs.JOBS)
        work.register(Role.SIGNER, "certificates.signing.work.run")
        fleet.register(FLEET)
        manufacturer_roots.fill(manufacturers)
        kinds.register(campaigns.ROOT_CERTIFICATES)
        deletions.keep(RevocationList)
        deletions.keep(RevokedCertificate)
        deletions.keep(RootSet, sites=("site_id",))
        deletions.keep(TrustRoot)
