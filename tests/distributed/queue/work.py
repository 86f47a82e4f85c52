"""What the launcher runs for tests of the queue: stations they know, and the workers."""

from __future__ import annotations

from tests.distributed.queue import plain_consumer

CLAIM_MS, RENEW_S = 4_000, 1.0


def enter(stations: str) -> None:
    """Enter so many stations, each with its own token, and the table of the plain consumers."""
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
    """Handle messages until a signal comes: as the processor does, or as a plain `brpop` consumer."""
    if kind == "brpop":
        plain_consumer.work()
        return
    from ocpp_server.management.commands.process_queue import Command
    from ocpp_server.transport.queue import claims, processor

    # The stations of a worker that was killed wait for this long.
    claims.CLAIM_MS, processor.RENEW_S = CLAIM_MS, RENEW_S
    Command().handle()
