"""Rules of the PKI: CAs and signing, client certificates, installed certificates, OCSP, Plug & Charge."""
