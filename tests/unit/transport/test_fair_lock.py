"""The lock of a connection: fair, and never lost with somebody who gives up."""

from __future__ import annotations

import asyncio

import pytest

from ocpp_server.transport.fair_lock import FairLock


async def test_who_waits_is_served_in_the_order_of_coming_and_before_who_comes_later() -> None:
    lock, served = FairLock(), list[str]()

    async def patient(name: str) -> None:
        async with lock:
            served.append(name)

    assert lock.take()
    waiting = [asyncio.create_task(patient(name)) for name in ("first", "second")]
    await asyncio.sleep(0)

    lock.release()

    assert not lock.take()
    await asyncio.gather(*waiting)
    assert served == ["first", "second"]
    assert lock.take()


@pytest.mark.parametrize("is_handed_over", [False, True])
async def test_who_gives_up_waiting_does_not_keep_the_lock(is_handed_over: bool) -> None:
    lock = FairLock()
    assert lock.take()
    impatient = asyncio.create_task(lock.wait())
    patient = asyncio.create_task(lock.wait())
    await asyncio.sleep(0)

    if is_handed_over:
        lock.release()
        impatient.cancel()
    else:
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)
        lock.release()

    await patient
    assert impatient.cancelled()
    lock.release()
    assert lock.take()
