"""X.509 as OCPP and ISO 15118 use it: reading, hash data and certification paths. No database, no network."""
