"""Users, API keys, tokens and contracts. This app does not know OCPP."""
