"""The effects of remote starts and triggers: the transaction, and the requested message."""
