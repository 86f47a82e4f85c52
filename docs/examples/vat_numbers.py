"""A checker of VAT numbers with a small register of its own. A real one asks VIES, without blocking.

Start the server with OCPP_VAT_CHECKER=docs.examples.vat_numbers.look_up.
"""

from __future__ import annotations

import asyncio
from typing import Final

from tariffs.services.payment.vat_numbers import Verdict

ADLER: Final = {
    "name": "Adler GmbH",
    "address1": "Ring 1",
    "postalCode": "1010",
    "city": "Wien",
    "country": "Austria",
}
REGISTER: Final = {"ATU12345678": ADLER}
SLOW_S: Final = 60.0


async def look_up(number: str) -> Verdict:
    """Austrian numbers are in the register. Those of other countries fail or take long, as services do."""
    if number.startswith("FR"):
        await asyncio.sleep(SLOW_S)
    if not number.startswith("AT"):
        raise ConnectionError("The register of this country can't be reached.")
    company = REGISTER.get(number)
    return Verdict(company is not None, company=company)
