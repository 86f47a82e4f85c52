"""Root sets: the roots that stations are to have, and the campaign that installs them."""

from __future__ import annotations

from contextlib import AsyncExitStack

from tests.conformance.campaigning import created, details, ended, results
from tests.conformance.installing import CSMS, Pressing, Store, added, hashes, pem, root, serving
from tests.conformance.peer import V16, fresh, station
from tests.unit.pki.made import make

SETS = "/api/v1/certificates/root-sets"


async def test_a_campaign_installs_what_is_missing_and_waits_for_the_list(server, operator, records, version):
    """One station has the root, one lacks it, one refuses it, and one accepts it without storing it."""
    made, site = root("Yard"), fresh("Yard")
    number = await added(operator, made)
    status, answer = await operator.request("POST", "/api/v1/sites", {"name": site})
    assert status == 201, answer
    body = {"name": site, "rootIds": [number], "siteId": answer["data"]["id"]}
    status, answer = await operator.request("POST", SETS, body)
    assert status == 201, answer
    one_set = answer["data"]
    async with AsyncExitStack() as stack:
        peers, stores = {}, {}
        for name in ("has", "lacks", "refuses", "lies"):
            of = V16 if name == "lacks" else version
            peer = peers[name] = await stack.enter_async_context(station(server, of, fresh(name)))
            await operator.change(peer.identity, siteId=body["siteId"])
            chains = [(CSMS, hashes(made))] if name in ("has", "lacks") else []
            stores[name] = await stack.enter_async_context(serving(Store(peer, *chains)))
        stores["refuses"].answers["InstallCertificate"] = {"status": "Rejected"}
        await Pressing(operator, peers["has"]).press("get-installed-certificate-ids")
        await Pressing(operator, peers["refuses"]).press("get-installed-certificate-ids")
        status, answer = await operator.request("GET", f"{SETS}/{one_set['id']}/coverage")
        (before,) = answer["data"]["roots"]

        identities = [peer.identity for peer in peers.values()]
        one = await created(operator, "root-certificates", {"rootSetId": one_set["id"]}, identities)
        await ended(operator, one, records)

        found, words = await results(operator, one), await details(operator, one)
        assert {name: (found[peer.identity], words[peer.identity]) for name, peer in peers.items()} == {
            "has": ("skipped unchanged", "The station has these roots."),
            "lacks": ("done", "Yard"),
            "refuses": ("failed rejected", "Rejected"),
            "lies": ("failed no-effect", "Accepted, but not in the station's list: Yard"),
        }
        assert stores["has"].of("InstallCertificate") == []
        assert [one["certificate"] for one in stores["lacks"].of("InstallCertificate")] == [pem(made)]
        status, answer = await operator.request("GET", f"{SETS}/{one_set['id']}/coverage")
        (after,) = answer["data"]["roots"]
        _, answer = await operator.request("GET", f"{SETS}/{one_set['id']}/lacking-stations?rootId={number}")
        lacking = {one["clientId"] for one in answer["data"]["stations"]}
        path = f"/api/v1/chargepoints/{peers['lies'].identity}/wanted-roots"
        _, answer = await operator.request("GET", path)

    counts = ("stations", "installed", "missing", "unknown")
    assert [before[name] for name in counts] == [4, 1, 1, 2]
    assert [after[name] for name in counts] == [4, 2, 2, 0]
    assert after["sentence"] == "Yard: 2 of 4 stations don't know it."
    assert lacking == {peers["refuses"].identity, peers["lies"].identity}
    (wanted,) = answer["data"]["wanted_roots"]
    assert (wanted["rootId"], wanted["state"], wanted["certificateType"]) == (number, "missing", CSMS)


async def test_a_station_that_checks_additional_roots_gets_the_cross_signed_form(
    server, operator, records, version
):
    """M05.FR.09: the new root is signed by the one in use, whose hashes the list of the station has."""
    old, new = root("Old root"), root("New root")
    crossed = make("New root", by=old, key=new.key, is_ca=True)
    await added(operator, old)
    number = await added(operator, new)
    path = f"/api/v1/certificates/roots/{number}"
    status, answer = await operator.request("PATCH", path, {"crossSignedCertificate": pem(crossed)})
    assert status == 200, answer
    async with station(server, version) as peer:
        reported = {
            "attributeStatus": "Accepted",
            "attributeValue": "true",
            "component": {"name": "SecurityCtrlr"},
            "variable": {"name": "AdditionalRootCertificateCheck"},
        }
        store = Store(peer, (CSMS, hashes(old)), (CSMS, hashes(crossed, issuer=old)))
        store.answers["GetVariables"] = {"getVariableResult": [reported]}
        async with serving(store):
            pressing = Pressing(operator, peer)
            code, answer = await pressing.press(
                "get-configuration", keys=["SecurityCtrlr.AdditionalRootCertificateCheck"]
            )
            assert code == 200, answer
            code, answer = await pressing.press("install-certificate", rootId=number)
            await pressing.press("get-installed-certificate-ids")
            rows = await pressing.certificates("?isCurrent=true")

    assert (code, answer["data"]["status"]) == (200, "Accepted")
    assert store.of("InstallCertificate") == [{"certificateType": CSMS, "certificate": pem(crossed)}]
    assert {(row["subject"], row["isCrossSigned"], row["state"]) for row in rows} == {
        ("CN=Old root,O=CPO", False, "installed"),
        ("CN=New root,O=CPO", True, "installed"),
    }
    assert {row["rootId"] for row in rows if row["isCrossSigned"]} == {number}
