"""Tests of the whole project: units by app, conformance by version, distributed, chaos, browser."""
