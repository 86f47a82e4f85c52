"""Keys of rows that a message finds without a query."""

from __future__ import annotations

import hashlib

KEY_CHARACTERS = 32


def row_key(*parts: object) -> str:
    """The key of the row about these things, such as a station and an id of its own. A message can add or
    change the row without reading it, and the text of a station never becomes a key.
    """
    text = "\x1f".join(map(str, parts)).encode(errors="surrogatepass")
    return hashlib.blake2b(text, digest_size=KEY_CHARACTERS // 2).hexdigest()
