"""The people who work with the server and, later, those who charge."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person. Operators sign in to the admin; the role says what the API lets them do."""

    class Role(models.TextChoices):
        VIEWER = "viewer", "Viewer: reads"
        OPERATOR = "operator", "Operator: reads and sends commands"
        ADMINISTRATOR = "administrator", "Administrator: everything"

    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)

    def __str__(self) -> str:
        return self.get_full_name() or self.username
