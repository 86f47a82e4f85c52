"""Skips this folder unless the database is PostgreSQL; ../test_on_postgresql.py starts one."""

from __future__ import annotations

from django.db import connection

collect_ignore_glob = [] if connection.vendor == "postgresql" else ["test_*.py"]
