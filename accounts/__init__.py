"""Who may use it: users, API keys and tokens. Knows nothing of OCPP."""
