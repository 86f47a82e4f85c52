"""Requests and mails of the server itself, to addresses that stations, certificates or operators gave it."""
