"""Collected where the database is PostgreSQL: tests/database/test_on_postgresql.py starts one for these."""

from __future__ import annotations

from django.db import connection

collect_ignore_glob = [] if connection.vendor == "postgresql" else ["test_*.py"]
