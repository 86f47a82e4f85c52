"""The query strings of the lists of alerts."""
