"""Tests of the admin pages with a real browser, a real server and a simulated station: pytest -m browser."""
