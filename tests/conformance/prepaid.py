"""Accounts of prepaid tokens for a server under test: the token's UID has the credit.

PREPAID-25.5-... has 25.5 left, PREPAID-0-... nothing. TIMED-120-... has a credit and two minutes.
"""

from __future__ import annotations

from ocpp_server.live.records import TokenRecord
from transactions.services.authorization.credit import Credit, port


class Accounts:
    def credit(self, token: TokenRecord) -> Credit | None:
        kind, _, rest = token.uid.partition("-")
        figure = rest.partition("-")[0]
        match kind:
            case "PREPAID":
                return Credit(float(figure))
            case "TIMED":
                return Credit(100.0, {"maxTime": float(figure)})
        return None


port.fill(Accounts())
