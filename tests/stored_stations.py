"""Stations that tests insert into the database of a server without a REST API, or by the thousand."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

_GIVEN = {
    "identity": "%s",
    "identity_key": "lower(%s)",
    "password_hash": "%s",
    "security_profile": "%s",
    "registration_status": "'Accepted'",
    "checks_username": "true",
    "is_online": "false",
    "heartbeat_interval": "0",
    "created_at": "now()",
}


def insert_stations(database_url: str, identities: Iterable[str], *, password_hash: str = "") -> None:
    """Insert accepted stations into PostgreSQL: with a password of security profile 1, without one of 0."""
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'chargepoints_chargepoint'"
            " AND data_type = 'character varying' AND is_nullable = 'NO'"
        )
        texts = [name for (name,) in cursor.fetchall() if name not in _GIVEN]
        names = ", ".join([*_GIVEN, *texts])
        values = ", ".join([*_GIVEN.values(), *["''"] * len(texts)])
        cursor.executemany(
            f"INSERT INTO chargepoints_chargepoint ({names}) VALUES ({values})",  # type: ignore[arg-type]  # noqa: S608 - names of columns
            [(identity, identity, password_hash, int(bool(password_hash))) for identity in identities],
        )
