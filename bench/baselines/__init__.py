"""Baselines: the server most Python users run, and the minimum that a socket costs."""
