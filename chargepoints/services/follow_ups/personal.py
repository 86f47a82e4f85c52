"""Personal data of follow-ups and secrets of campaigns: encrypted in the database with a key that is derived
from SECRET_KEY.
"""

from __future__ import annotations

from typing import Final

from ocpp_server.encryption import Cipher

CIPHER: Final = Cipher("chargepoints.follow_ups.personal")
seal = CIPHER.seal
unseal = CIPHER.unseal
