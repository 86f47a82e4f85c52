"""A server with a port for client certificates, for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.every.security.mutual import MAKER, OWN, ROOT, Mutual
from tests.conformance.mutual_tls import Pki, add_authority, trust
from tests.self_signed import certify
from tests.servers import LiveServer, free_port


@pytest.fixture(scope="module")
def mutual(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[Mutual]:
    folder, port = tmp_path_factory.mktemp("mutual"), free_port()
    pem, key = certify(folder, "server")
    live = LiveServer(
        folder, template=migrated_database, TLS_CERT=str(pem), TLS_KEY=str(key), TLS_CLIENT_PORT=str(port)
    )
    trust(live.database, ROOT)
    trust(live.database, MAKER, kind="manufacturer")
    add_authority(live.database, OWN)
    live.start()
    yield Mutual(live, Pki(folder, pem), port)
    assert live.stop() == 0
    assert "Traceback" not in live.log.read_text("utf-8", "replace")
