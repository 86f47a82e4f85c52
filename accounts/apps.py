from django.apps import AppConfig
from django.db.models.signals import post_delete, post_migrate, post_save, pre_save

# Saving one of these (API, admin, import) changes who may charge, so authorization drops its cached tokens.
AUTHORIZATION_MODELS = ("User", "Person", "Contract", "Member", "TokenGroup")


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        # This method only connects: rules live in the services. Models can be imported from here on.
        from accounts import jobs
        from accounts.models import Contract, Token, TokenGroup, User
        from accounts.services import api_keys, audit_log, idempotent_requests, token_cache
        from ocpp_server import audit, credentials
        from ocpp_server.api import idempotency_store
        from ocpp_server.bounds import uploads
        from ocpp_server.process import scheduler
        from ocpp_server.storage import deletions

        credentials.port.fill(api_keys)
        audit.port.fill(audit_log)
        idempotency_store.port.fill(idempotent_requests)
        scheduler.register(jobs.JOBS)
        uploads.register("/api/v1/tokens/import", "/admin/accounts/token/import")
        pre_save.connect(token_cache.remember_key, sender="accounts.Token")
        for saved in (post_save, post_delete):
            saved.connect(token_cache.forget_token, sender="accounts.Token")
            for name in AUTHORIZATION_MODELS:
                saved.connect(token_cache.forget_tokens, sender=f"accounts.{name}")
        post_migrate.connect(_renew_keys, sender=self)
        deletions.keep(User)
        deletions.keep(Contract)
        deletions.keep(Token)
        deletions.keep(TokenGroup)


def _renew_keys(sender: object, **kwargs: object) -> None:
    # The service imports models: Django loads those after this module.
    from accounts.services import token_keys

    token_keys.renew()
