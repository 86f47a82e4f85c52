"""The upper limit: a WebSocket under uvicorn that answers constants. It parses, checks and stores nothing."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn

_TIME = '"2026-01-01T00:00:00.000Z"'
_ANSWERS = {
    "BootNotification": f'{{"status":"Accepted","currentTime":{_TIME},"interval":300}}',
    "Heartbeat": f'{{"currentTime":{_TIME}}}',
    "Authorize": '{"idTagInfo":{"status":"Accepted"}}',
    "StartTransaction": '{"transactionId":1000,"idTagInfo":{"status":"Accepted"}}',
    "StopTransaction": '{"idTagInfo":{"status":"Accepted"}}',
    "TransactionEvent": '{"idTokenInfo":{"status":"Accepted"}}',
}


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
    while (message := await receive())["type"] == "websocket.receive":
        _, message_id, _, action, _ = message["text"].split('"', 4)
        await send({"type": "websocket.send", "text": f'[3,"{message_id}",{_ANSWERS.get(action, "{}")}]'})


if __name__ == "__main__":
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        ws="websockets-sansio",
        loop="uvloop",
        lifespan="off",
        log_level="error",
        backlog=4096,
    )
