"""Those who charge, as the operator looks them up: the same rows as users, another page."""

from __future__ import annotations

from accounts.models.user import User


class Person(User):
    """A user who can't sign in here, with contracts, tokens and sessions."""

    class Meta:
        proxy = True
        verbose_name = "person"
        verbose_name_plural = "people"
