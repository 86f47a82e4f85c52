"""Functions that the launcher runs for tests of the queue: they create stations and run the workers."""

from __future__ import annotations

from tests.distributed.queue import plain_consumer

CLAIM_MS, RENEW_S = 4_000, 1.0


def create_stations(stations: str) -> None:
    """Create this many stations, each with its own token, and the table of the plain consumers."""
    from accounts.models import Token
    from chargepoints.models import ChargePoint

    names = [f"Q-{number}" for number in range(int(stations))]
    known = set(ChargePoint.objects.filter(identity__in=names).values_list("identity", flat=True))
    ChargePoint.objects.bulk_create(
        ChargePoint(
            identity=name, identity_key=name.casefold(), registration_status=ChargePoint.Registration.ACCEPTED
        )
        for name in names
        if name not in known
    )
    for number in range(int(stations)):
        Token.objects.get_or_create(uid=f"CARD-{number}", type=Token.Type.RFID)
    plain_consumer.make_table()


def work(kind: str) -> None:
    """Handle messages until a signal comes, as a processor or as a plain `brpop` consumer."""
    if kind == "brpop":
        plain_consumer.work()
        return
    from ocpp_server.management.commands.process_queue import Command
    from ocpp_server.transport.queue import claims, processor

    # Stations of a killed worker wait until its claim expires, so a short claim keeps the tests fast.
    claims.CLAIM_MS, processor.RENEW_S = CLAIM_MS, RENEW_S
    Command().handle()
