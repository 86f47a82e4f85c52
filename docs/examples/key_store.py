"""A key store for SIGNER_KEY_STORE=docs.examples.key_store.open_store, in the shape of one behind PKCS#11.

A class for an HSM gets the session of its library (for PKCS#11: python-pkcs11) where this example has DEVICE,
and lets the device sign. The signer needs `names`, `key` and `create`; of a key `sign` and `public_key`.
"""

from __future__ import annotations

from typing import Any, NoReturn

from cryptography.hazmat.primitives.asymmetric import ec

# Stands for the HSM: the signer never gets what is in it.
DEVICE: dict[str, ec.EllipticCurvePrivateKey] = {}


class DeviceKey(ec.EllipticCurvePrivateKey):
    """A key in the device: it signs there, and does not leave it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        return DEVICE[self._name].sign(data, signature_algorithm)

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return DEVICE[self._name].public_key()

    @property
    def curve(self) -> ec.EllipticCurve:
        return DEVICE[self._name].curve

    @property
    def key_size(self) -> int:
        return self.curve.key_size

    def exchange(self, *_: Any) -> NoReturn:
        raise NotImplementedError

    def private_numbers(self) -> NoReturn:
        raise NotImplementedError

    def private_bytes(self, *_: Any) -> NoReturn:
        raise NotImplementedError

    def __copy__(self) -> DeviceKey:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> DeviceKey:
        return self


class DeviceStore:
    """The keys of the device, by their labels."""

    def names(self) -> list[str]:
        return sorted(DEVICE)

    def key(self, name: str) -> DeviceKey:
        return DeviceKey(name)

    def create(self, name: str, key_type: str) -> DeviceKey:
        """A key of P-256; this device has no RSA."""
        DEVICE[name] = ec.generate_private_key(ec.SECP256R1())
        return DeviceKey(name)

    def put(self, name: str, key: Any) -> None:
        raise NotImplementedError("Keys are made in the device.")


def open_store() -> DeviceStore:
    """Log on to the device; the PIN comes from a file that only the signer can read."""
    return DeviceStore()
