"""Users, contracts, members, token groups, tokens and token files."""

from __future__ import annotations

from tests.api.recorded.playing import OPERATOR, VIEWER, Player

V1 = "/api/v1"
LATER, EARLIER = "2035-01-01T00:00:00Z", "2020-01-01T00:00:00Z"


async def play(player: Player) -> None:
    await users(player)
    await contracts(player)
    await members(player)
    await groups(player)
    await tokens(player)
    await files(player)
    await closing(player)


async def users(player: Player) -> None:
    ask = player.ask
    ann = {"name": "Ann", "email": "ann@example.com", "phone": "+43 1 234567", "language": "de"}
    await ask("user: create", "POST", f"{V1}/users", ann)
    await ask("user: create another", "POST", f"{V1}/users", {"name": "Bob", "status": "active"})
    await ask("user: create a third", "POST", f"{V1}/users", {"name": "Eve"})
    await ask("user: same email", "POST", f"{V1}/users", {"name": "A", "email": "ANN@example.com"})
    await ask("user: bad fields", "POST", f"{V1}/users", {"email": "x", "phone": "call me", "status": "?"})
    await ask("user: unknown field", "POST", f"{V1}/users", {"name": "X", "nickname": "x"})
    await ask("user: malformed JSON", "POST", f"{V1}/users", raw=b'{"name": ')
    await ask("user: a list as body", "POST", f"{V1}/users", [])
    await ask("user: other media type", "POST", f"{V1}/users", raw=b"name=X", Content_Type="text/plain")
    await ask("user: by a viewer", "POST", f"{V1}/users", {"name": "X"}, key=VIEWER)
    await ask("contract: by an operator", "POST", f"{V1}/contracts", {}, key=OPERATOR)
    await ask("users: list", "GET", f"{V1}/users", key=VIEWER)
    await ask("users: page", "GET", f"{V1}/users?limit=1&offset=1&ordering=-id")
    await ask("users: search", "GET", f"{V1}/users?q=ann")
    await ask("users: unknown ordering", "GET", f"{V1}/users?ordering=height")
    await ask("users: unknown filter", "GET", f"{V1}/users?colour=red")
    await ask("users: bad limit", "GET", f"{V1}/users?limit=-1")
    await ask("users: bad time", "GET", f"{V1}/users?updated_from=yesterday")
    ann_path = f"{V1}/users/{await _user(player, 'ann')}"
    await ask("user: get", "GET", ann_path)
    await ask("user: not changed", "GET", ann_path, If_None_Match=await player.etag(ann_path))
    await ask("user: bad number", "GET", f"{V1}/users/ann")
    await ask("user: unknown", "GET", f"{V1}/users/999999")
    await ask("user: change", "PATCH", ann_path, {"language": "en"}, If_Match=await player.etag(ann_path))
    await ask("user: outdated change", "PATCH", ann_path, {"language": "fr"}, If_Match='"old"')
    await ask("user: bad change", "PATCH", ann_path, {"language": "english"})
    await ask("user: method", "PUT", ann_path, {})
    await ask("user: head", "HEAD", ann_path)


async def _user(player: Player, name: str) -> int:
    answer = await player.quiet("GET", f"{V1}/users?q={name}")
    return int(answer["data"]["users"][0]["id"])


async def contracts(player: Player) -> None:
    ask = player.ask
    ann = await _user(player, "ann")
    whole = {
        "contract_id": "AT-REC-0001",
        "owner": ann,
        "name": "Fleet",
        "type": "individual",
        "country_code": "AT",
        "party_id": "REC",
        "valid_from": EARLIER,
        "valid_until": LATER,
        "max_members": 3,
        "currency": "EUR",
        "energy_contract": {"supplier_name": "Green", "contract_id": "G1"},
        "energy_wh_per_day": 50000,
        "cost_per_month": 99.5,
    }
    await ask("contract: create", "POST", f"{V1}/contracts", whole)
    await ask("contract: create another", "POST", f"{V1}/contracts", {"contract_id": "C2", "owner": ann})
    await ask("contract: same id", "POST", f"{V1}/contracts", {"contract_id": "at-rec-0001", "owner": ann})
    await ask("contract: unknown owner", "POST", f"{V1}/contracts", {"contract_id": "C3", "owner": 999999})
    await ask("contract: bad fields", "POST", f"{V1}/contracts", {"owner": "x", "currency": "euro"})
    wrong = {"contract_id": "C4", "owner": ann, "valid_from": LATER, "valid_until": EARLIER}
    await ask("contract: ends before it begins", "POST", f"{V1}/contracts", wrong)
    await ask("contracts: list", "GET", f"{V1}/contracts")
    await ask("contracts: filter", "GET", f"{V1}/contracts?owner={ann}&status=active&country_code=AT")
    await ask("contract: get by its id", "GET", f"{V1}/contracts/AT-REC-0001")
    await ask("contract: unknown", "GET", f"{V1}/contracts/C9")
    await ask("contract: change", "PATCH", f"{V1}/contracts/AT-REC-0001", {"name": "Big fleet"})
    await ask("contract: outdated", "PATCH", f"{V1}/contracts/C2", {"name": "x"}, If_Match='"old"')
    await ask("contract: change into another", "PATCH", f"{V1}/contracts/C2", {"contract_id": "AT-REC-0001"})
    await ask("user: contracts", "GET", f"{V1}/users/{ann}/contracts")


async def members(player: Player) -> None:
    ask = player.ask
    ann, bob, eve = [await _user(player, name) for name in ("ann", "bob", "eve")]
    path = f"{V1}/contracts/AT-REC-0001"
    await ask("member: add", "POST", f"{path}/members", {"user_id": bob})
    await ask("member: add twice", "POST", f"{path}/members", {"user_id": bob})
    await ask("member: add a viewer", "POST", f"{path}/members", {"user_id": eve, "role": "viewer"})
    await ask("member: second owner", "POST", f"{path}/members", {"user_id": eve, "role": "owner"})
    await ask("member: unknown user", "POST", f"{path}/members", {"user_id": 999999})
    await ask("members: list", "GET", f"{path}/members")
    await ask("member: get", "GET", f"{path}/members/{bob}")
    await ask("member: unknown", "GET", f"{path}/members/999999")
    await ask("member: bad number", "GET", f"{path}/members/bob")
    await ask("member: change", "PATCH", f"{path}/members/{bob}", {"role": "viewer"})
    await ask("member: outdated", "PATCH", f"{path}/members/{bob}", {"role": "member"}, If_Match='"old"')
    await ask("member: owner's role", "PATCH", f"{path}/members/{ann}", {"role": "member"})
    await ask("member: remove the owner", "DELETE", f"{path}/members/{ann}")
    await ask("contract: limit of members", "PATCH", path, {"max_members": 1})
    await ask("contract: transfer", "POST", f"{path}/transfer", {"user_id": bob})
    await ask("contract: transfer to its owner", "POST", f"{path}/transfer", {"user_id": bob})
    await ask("contract: transfer outdated", "POST", f"{path}/transfer", {"user_id": ann}, If_Match='"old"')
    await ask("contract: transfer to nobody", "POST", f"{path}/transfer", {"user_id": 999999})
    await ask("member: remove", "DELETE", f"{path}/members/{eve}")


async def groups(player: Player) -> None:
    ask = player.ask
    path = f"{V1}/token-groups"
    family = {"contract_id": "AT-REC-0001", "group_id": "FAMILY", "name": "Family"}
    await ask("group: create", "POST", path, family)
    await ask("group: create another", "POST", path, {"contract_id": "C2", "group_id": "WORK"})
    await ask("group: same id", "POST", path, family)
    await ask("group: unknown contract", "POST", path, {"contract_id": "C9", "group_id": "X"})
    await ask("group: bad fields", "POST", path, {"group_id": "X" * 21})
    await ask("groups: list", "GET", path)
    await ask("groups: filter", "GET", f"{path}?contract_id=C2&search=work")
    await ask("group: get", "GET", f"{path}/family")
    await ask("group: unknown", "GET", f"{path}/nobody")
    await ask("group: change", "PATCH", f"{path}/WORK", {"name": "Work"})
    await ask("group: outdated", "PATCH", f"{path}/WORK", {"name": "x"}, If_Match='"old"')
    await ask("group: delete", "DELETE", f"{path}/WORK")


async def tokens(player: Player) -> None:
    ask = player.ask
    path = f"{V1}/tokens"
    bob = await _user(player, "bob")
    whole = {
        "uid": "ALICE-CARD",
        "type": "RFID",
        "user_id": bob,
        "contract_id": "AT-REC-0001",
        "group_id": "FAMILY",
        "name": "Blue card",
        "visual_number": "0815",
        "issuer": "Recorded",
        "language": "de",
        "whitelist": "ALLOWED",
        "valid_from": EARLIER,
        "expires_at": LATER,
        "energy_wh_per_month": 100000,
    }
    await ask("token: create", "POST", path, whole)
    await ask("token: create a vehicle", "POST", path, {"uid": "00:1A:2B:3C:4D:5E", "type": "autocharge"})
    await ask("token: create a blocked one", "POST", path, {"uid": "BLOCKED", "status": "blocked"})
    await ask("token: create a lost one", "POST", path, {"uid": "LOST", "status": "lost"})
    await ask("token: same uid", "POST", path, {"uid": "alice-card"})
    await ask("token: blank uid", "POST", path, {"uid": "  "})
    await ask("token: bad fields", "POST", path, {"uid": "X", "valid": "perhaps", "country_code": "Austria"})
    await ask("token: unknown user", "POST", path, {"uid": "X", "user_id": 999999})
    await ask("token: unknown contract", "POST", path, {"uid": "X", "contract_id": "C9"})
    await ask(
        "token: group of another contract",
        "POST",
        path,
        {"uid": "X", "contract_id": "C2"} | {"group_id": "FAMILY"},
    )
    await ask("tokens: list", "GET", path)
    await ask("tokens: filter", "GET", f"{path}?status=blocked&valid=true&ordering=-uid")
    await ask("tokens: bad filter", "GET", f"{path}?valid=perhaps&status=lucky")
    await ask("user: tokens", "GET", f"{V1}/users/{bob}/tokens")
    card = (await player.quiet("GET", f"{path}/by-uid/alice-card"))["data"]["id"]
    lost = (await player.quiet("GET", f"{path}/by-uid/LOST"))["data"]["id"]
    await ask("token: get", "GET", f"{path}/{card}")
    await ask("token: bad number", "GET", f"{path}/ALICE")
    await ask("token: unknown", "GET", f"{path}/999999")
    await ask("token: get by uid", "GET", f"{path}/by-uid/alice-card?type=RFID")
    await ask("token: unknown uid", "GET", f"{path}/by-uid/NOBODY")
    await ask("token: bad type", "GET", f"{path}/by-uid/alice-card?type=paper")
    await ask("token: change", "PATCH", f"{path}/{card}", {"name": "Red card"})
    await ask("token: outdated", "PATCH", f"{path}/{card}", {"name": "x"}, If_Match='"old"')
    await ask("token: change into another", "PATCH", f"{path}/{card}", {"uid": "BLOCKED"})
    await ask("token: block", "POST", f"{path}/{card}/block", {})
    await ask("token: unblock", "POST", f"{path}/{card}/unblock", {})
    await ask("token: unblock a lost one", "POST", f"{path}/{lost}/unblock", {})
    await ask("token: block with a body", "POST", f"{path}/{card}/block", {"why": "x"})
    await ask("token: block by uid", "POST", f"{path}/by-uid/ALICE-CARD/block", {})
    await ask("token: unblock by uid", "POST", f"{path}/by-uid/ALICE-CARD/unblock", {})
    await ask("token: unblock twice by uid", "POST", f"{path}/by-uid/ALICE-CARD/unblock", {})
    await ask("token: block an unknown uid", "POST", f"{path}/by-uid/NOBODY/block", {})
    await ask("token: invalidate", "DELETE", f"{path}/{lost}")


async def files(player: Player) -> None:
    ask = player.ask
    path = f"{V1}/tokens/import"
    good = b"uid,name\nFILE-1,First\nFILE-2,Second\n"
    bad = b"uid,status\nFILE-3,lucky\n"
    form = "multipart/form-data; boundary=rec"
    await ask("import: preview", "POST", f"{path}?preview=true", raw=_form(good), Content_Type=form)
    done = await ask("import: tokens", "POST", path, raw=_form(good), Content_Type=form)
    await ask("import: a bad row", "POST", path, raw=_form(bad), Content_Type=form)
    await ask("import: unknown column", "POST", path, raw=_form(b"uid,colour\nX,red\n"), Content_Type=form)
    await ask("import: no file", "POST", path, raw=b"--rec--\r\n", Content_Type=form)
    await ask("import: as JSON", "POST", path, {"file": "x"})
    await ask("import: progress", "GET", f"{V1}/tokens/imports/{done['id']}")
    await ask("import: unknown", "GET", f"{V1}/tokens/imports/999999")
    await ask("import: bad number", "GET", f"{V1}/tokens/imports/first")
    await ask("export: tokens as CSV", "GET", f"{V1}/tokens/export?q=FILE")
    await ask("export: tokens as XLSX", "GET", f"{V1}/tokens/export?format=xlsx")
    await ask("export: tokens as PDF", "GET", f"{V1}/tokens/export?format=pdf")


def _form(content: bytes) -> bytes:
    head = b'--rec\r\nContent-Disposition: form-data; name="file"; filename="tokens.csv"\r\n'
    return head + b"Content-Type: text/csv\r\n\r\n" + content + b"\r\n--rec--\r\n"


async def closing(player: Player) -> None:
    """The ends: they come last, because the rows are needed before."""
    ask = player.ask
    bob, eve = [await _user(player, name) for name in ("bob", "eve")]
    await ask("user: close the owner of a contract", "DELETE", f"{V1}/users/{bob}")
    await ask("user: close", "DELETE", f"{V1}/users/{eve}")
    await ask("user: close again", "DELETE", f"{V1}/users/{eve}")
    await ask("contract: terminate", "DELETE", f"{V1}/contracts/C2")
    await ask("contract: member of a terminated one", "POST", f"{V1}/contracts/C2/members", {"user_id": bob})
