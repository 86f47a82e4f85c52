"""Requests that wait for a station."""

from __future__ import annotations

from django.db import connection
from rest_framework.request import Request


def is_change(request: Request) -> bool:
    return request.method in ("POST", "PUT")


def release_connection() -> None:
    """Return the database connection to the pool before waiting for a station, so that a pool of ten serves
    hundreds of waiting requests.
    """
    if not connection.in_atomic_block:
        connection.close()
