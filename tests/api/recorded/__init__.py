"""The recorded answers of the API: what a client of today gets must not change without notice."""
