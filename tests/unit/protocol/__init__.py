"""Tests of the protocol engine, one behaviour a file; test names have ids of the conformance catalogue."""
