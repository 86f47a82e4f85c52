"""The lock of a connection: fair, and never lost with somebody who gives up."""

from __future__ import annotations

import asyncio

import pytest

from ocpp_server.transport.fair_lock import Turn


async def test_who_waits_is_served_in_the_order_of_coming_and_before_who_comes_later() -> None:
    turn, served = Turn(), list[str]()

    async def patient(name: str) -> None:
        async with turn:
            served.append(name)

    assert turn.take()
    waiting = [asyncio.create_task(patient(name)) for name in ("first", "second")]
    await asyncio.sleep(0)

    turn.release()

    assert not turn.take()
    await asyncio.gather(*waiting)
    assert served == ["first", "second"]
    assert turn.take()


@pytest.mark.parametrize("is_handed_over", [False, True])
async def test_who_gives_up_waiting_does_not_keep_the_turn(is_handed_over: bool) -> None:
    turn = Turn()
    assert turn.take()
    impatient = asyncio.create_task(turn.wait())
    patient = asyncio.create_task(turn.wait())
    await asyncio.sleep(0)

    if is_handed_over:
        turn.release()
        impatient.cancel()
    else:
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)
        turn.release()

    await patient
    assert impatient.cancelled()
    turn.release()
    assert turn.take()
