"""Benchmarks: the server's speed as ratios to baselines measured in the same run (`python -m bench`)."""
