"""People who charge: the same rows as users, on an admin page of their own."""

from __future__ import annotations

from accounts.models.user import User


class Person(User):
    """A user without a console login, who has contracts, tokens and sessions."""

    class Meta:
        proxy = True
        verbose_name = "person"
        verbose_name_plural = "people"
