"""Tests of the scripts of the live state, directly against Redis."""
