"""The signer as a role of its own: a station at a gateway gets a certificate; no other process has a key."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.conformance import certifying
from tests.conformance.peer import V21, Operator, station
from tests.distributed.conftest import MakeCluster
from tests.servers import LiveServer
from tests.unit.certificates import csrs


async def test_a_station_at_a_gateway_gets_its_certificate_from_the_role_signer(
    make_cluster: MakeCluster, tmp_path: Path
) -> None:
    cluster = make_cluster(0)
    (web,) = await asyncio.to_thread(cluster.add, 1, "web")
    (gateway,) = await asyncio.to_thread(cluster.add, 1, "gateway")
    for role in ("processor", "housekeeping"):
        await asyncio.to_thread(cluster.add, 1, role)
    # The signer has neither Redis nor a port, and a folder and a passphrase that no other process has.
    signer = LiveServer(
        tmp_path / "signer",
        role="signer",
        DATABASE_URL=cluster.database_url,
        SECRET_KEY=cluster.environment["SECRET_KEY"],
        SIGNER_PASSPHRASE=certifying.PASSPHRASE,
    )
    await asyncio.to_thread(signer.start)
    try:
        await asyncio.to_thread(certifying.set_up, web)
        operator = Operator(web)
        identity = await certifying.trusted(operator)
        async with station(gateway, V21, identity, password=certifying.PASSWORD) as peer:
            answer = await certifying.ask(peer, csrs.csr(identity), requestId=7)
            assert answer == {"status": "Accepted"}
            call, chain = await certifying.sent(peer)
            await peer.answer(call, {"status": "Accepted"})
            request = await certifying.in_state(operator, identity, "installed")
    finally:
        assert await asyncio.to_thread(signer.stop) == 0

    certifying.check_chain(chain, certifying.root(web))
    assert call[3]["requestId"] == request["requestNumber"] == 7
    keys = sorted(path.name for path in (tmp_path / "signer" / "signer").iterdir())
    assert len(keys) == 5
    assert not list(cluster.folder.rglob("*.pem"))
    for text in (cluster.log(), signer.log.read_text()):
        assert certifying.PASSPHRASE not in text
        assert "PRIVATE KEY" not in text
        assert "Traceback" not in text
