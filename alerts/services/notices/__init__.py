"""Notices: the recipients of an alert, the time, the words, and the way out."""
