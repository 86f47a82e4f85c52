from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        # Whoever saves a token (API, admin, import), authorization must not go on with the old one. No rule
        # lives here.
        post_save.connect(_forget_token, sender="accounts.Token")
        post_delete.connect(_forget_token, sender="accounts.Token")


def _forget_token(sender: object, instance: object, **kwargs: object) -> None:
    from django.db import transaction

    from ocpp_server import live

    uid_key: str = instance.uid_key  # type: ignore[attr-defined]
    transaction.on_commit(lambda: live.state().forget_token(uid_key))
