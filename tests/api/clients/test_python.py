"""The generated Python client is built from the document in the tree, and works with a running server."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from clients.build import build_python
from simulator.station import Station
from tests.servers import API_KEY, LiveServer

PACKAGE = "ocpp_server_client"


@pytest.mark.slow
async def test_the_python_client_works_with_a_running_server(
    server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a client built from the document, and a station that has charged
    built = await asyncio.to_thread(build_python, tmp_path / "client")
    monkeypatch.syspath_prepend(str(built))
    station = Station("PY 1", "1.6", server.ocpp, speed=600)
    await asyncio.to_thread(server.request, "POST", "/api/v1/tokens", {"uid": "PYTHON"})
    await station.start()
    await station.charge(connector=1, token="PYTHON", duration_s=60)

    # when a program uses it
    try:
        await asyncio.to_thread(_use, f"http://127.0.0.1:{server.port}")
    finally:
        await station.stop()
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]


def _use(address: str) -> None:
    ours = import_module(PACKAGE)
    models = import_module(f"{PACKAGE}.models")

    def operation(tag: str, name: str) -> Any:
        return import_module(f"{PACKAGE}.api.{tag}.{name}")

    with ours.AuthenticatedClient(base_url=address, token=API_KEY, prefix="Api-Key") as client:
        # then rows are created, read and changed, with ETags
        site = operation("sites", "create_site").sync(
            client=client, body=models.SiteBodyRequest(name="Python"), idempotency_key="py-1"
        )
        again = operation("sites", "create_site").sync_detailed(
            client=client, body=models.SiteBodyRequest(name="Python"), idempotency_key="py-1"
        )
        assert again.parsed.data.id == site.data.id
        assert again.headers["Idempotent-Replayed"] == "true"
        read = operation("sites", "get_site").sync_detailed(site.data.id, client=client)
        change = operation("sites", "update_site")
        body = models.PatchedSiteChangesRequest(city="Vienna")
        changed = change.sync(site.data.id, client=client, body=body, if_match=read.headers["ETag"])
        outdated = change.sync(site.data.id, client=client, body=body, if_match=read.headers["ETag"])
        assert changed.data.city == "Vienna"
        assert (type(outdated).__name__, outdated.data.code) == ("Problem412", "outdated")

        # and lists have pages, with the enums of their filters
        listed = operation("sites", "list_sites").sync(
            client=client, search="Python", ordering=models.ListSitesOrdering.NAME
        )
        assert [one.name for one in listed.data.sites] == ["Python"]
        assert listed.data.next_ is None

        # and the session of the station is typed
        sessions = operation("transactions", "list_transactions").sync(client=client, client_id="PY 1")
        (session,) = sessions.data.transactions
        assert session.id_tag == "PYTHON"
        assert session.energy_wh > 0

        # and commands have the answer of the station, or a problem
        reset = operation("commands", "reset_charge_point")
        answered = reset.sync(
            "PY 1", client=client, body=models.ResetBodyRequest(type_=models.ResetBodyRequestType("Soft"))
        )
        assert (answered.success, answered.data.status) == (True, "Accepted")
        missing = reset.sync("PY 2", client=client, body=models.ResetBodyRequest())
        assert (type(missing).__name__, missing.data.code) == ("Problem404", "unknown-station")
