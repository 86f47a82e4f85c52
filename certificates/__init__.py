"""The PKI: CAs and their signer, certificates of stations and vehicles, OCSP, Plug & Charge."""
