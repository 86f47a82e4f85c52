from django.apps import AppConfig
from django.db.models.signals import post_delete, post_migrate, post_save, pre_save

# Whoever saves a token or one of these (API, admin, import), authorization must not go on with what it knew.
DECISIVE = ("User", "Person", "Contract", "Member", "TokenGroup")


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        # No rule lives here.
        from accounts.services import token_cache
        from ocpp_server.bounds import uploads

        uploads.register("/api/v1/tokens/import", "/admin/accounts/token/import")
        pre_save.connect(token_cache.remember_key, sender="accounts.Token")
        for saved in (post_save, post_delete):
            saved.connect(token_cache.forget_token, sender="accounts.Token")
            for name in DECISIVE:
                saved.connect(token_cache.forget_tokens, sender=f"accounts.{name}")
        post_migrate.connect(_renew_keys, sender=self)


def _renew_keys(sender: object, **kwargs: object) -> None:
    from accounts.services import token_keys

    token_keys.renew()
