"""Accounts over REST. Nothing is deleted: users are closed, contracts terminated, tokens invalidated."""
