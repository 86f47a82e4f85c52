"""Tests of authorization: the decision which token may charge where, and its answers to stations."""
