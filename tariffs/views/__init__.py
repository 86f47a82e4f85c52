"""Tariffs, costs and payments over REST, and the page of a receipt."""
