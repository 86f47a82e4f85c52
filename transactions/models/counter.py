"""Numbers that are never issued twice."""

from django.db import models


class Counter(models.Model):
    """The last number issued. Separate from the rows with the numbers: deleting the newest row must not free
    its number.
    """

    TRANSACTION = "transaction"

    name = models.CharField(primary_key=True, max_length=32)
    value = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
