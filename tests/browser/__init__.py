"""The operator's pages in a real browser, a real server and a simulated station: pytest -m browser."""
