"""People who charge: the same rows as users, on an admin page of their own."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.models.user import User


class Person(User):
    """A user without a console login, who has contracts, tokens and sessions."""

    class Meta:
        proxy = True
        verbose_name = _("person")
        verbose_name_plural = _("people")
