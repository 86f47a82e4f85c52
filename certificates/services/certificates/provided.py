"""The types of the port of contract certificate providers."""

from __future__ import annotations

from typing import NamedTuple


class Asked(NamedTuple):
    """A vehicle that wants its contract certificates. `exi` is its request in base64, as it came.

    `schema` is the namespace of ISO 15118-2 or -20, `action` Install or Update. `most` is the number of
    contracts that the vehicle can take, those of `first` (contract ids) before others; 1 in ISO 15118-2.
    """

    station: str
    schema: str
    action: str
    exi: str
    most: int = 1
    first: tuple[str, ...] = ()


class Contract(NamedTuple):
    """A contract: the answer for the vehicle in base64, and its contract id where the provider names it."""

    exi: str
    contract_id: str = ""


class NoContract(Exception):  # noqa: N818 - an answer, and no error of the provider
    """The provider has no contract for this vehicle."""


class ProviderFailed(Exception):
    """The provider gave no usable answer. `str(error)` is a sentence without secrets.

    `may_pass`: another try may help, as after a 503 or a broken connection.
    """

    def __init__(self, sentence: str, *, may_pass: bool = False) -> None:
        super().__init__(sentence)
        self.may_pass = may_pass
