"""The statements and values of many rows, as the driver of either database gets them; without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import models

from ocpp_server.storage.fields import CompressedTextField

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Sample(models.Model):
    """A column of every kind that tables of messages have. It has no table."""

    name = models.CharField(max_length=20, default="none")
    text = models.TextField(null=True)
    content = models.JSONField(default=dict)
    at = models.DateTimeField(null=True)
    number = models.BigIntegerField(default=7)
    small = models.SmallIntegerField(default=0)
    plain = models.IntegerField(default=0)
    share = models.FloatField(null=True)
    is_new = models.BooleanField(default=False, db_column="new")

    class Meta:
        app_label = "transactions_samples"
        db_table = "sample"

    def __str__(self) -> str:
        return self.name


class Kept(models.Model):
    """A compressed column, and the text column of the release before."""

    number = models.BigIntegerField(default=7)
    text = models.TextField(default="")
    packed = CompressedTextField(null=True, before="text")

    class Meta:
        app_label = "transactions_samples"
        db_table = "kept"

    def __str__(self) -> str:
        return self.text


class Odd(models.Model):
    """A column of a kind that no array is known for."""

    pause = models.DurationField()

    class Meta:
        app_label = "transactions_samples"

    def __str__(self) -> str:
        return str(self.pause)


class Priced(models.Model):
    price = models.DecimalField(max_digits=18, decimal_places=6, null=True)

    class Meta:
        app_label = "transactions_samples"
        db_table = "priced"

    def __str__(self) -> str:
        return str(self.price)


Sent = list[tuple[str, list[Any]]]
