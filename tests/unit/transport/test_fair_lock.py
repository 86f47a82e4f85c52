"""The lock of a connection: it is fair, and a cancelled waiter never keeps it."""

from __future__ import annotations

import asyncio

import pytest

from ocpp_server.transport.fair_lock import FairLock


async def test_waiters_get_the_lock_in_order_and_before_later_callers() -> None:
    lock, served = FairLock(), list[str]()

    async def wait(name: str) -> None:
        async with lock:
            served.append(name)

    assert lock.take()
    waiting = [asyncio.create_task(wait(name)) for name in ("first", "second")]
    await asyncio.sleep(0)

    lock.release()

    assert not lock.take()
    await asyncio.gather(*waiting)
    assert served == ["first", "second"]
    assert lock.take()


@pytest.mark.parametrize("is_handed_over", [False, True])
async def test_a_cancelled_waiter_does_not_keep_the_lock(is_handed_over: bool) -> None:
    lock = FairLock()
    assert lock.take()
    cancelled = asyncio.create_task(lock.wait())
    waiter = asyncio.create_task(lock.wait())
    await asyncio.sleep(0)

    if is_handed_over:
        lock.release()
        cancelled.cancel()
    else:
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        lock.release()

    await waiter
    assert cancelled.cancelled()
    lock.release()
    assert lock.take()
