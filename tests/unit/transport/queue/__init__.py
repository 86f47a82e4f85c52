"""Tests of the queue between gateways and processors, directly against Redis."""
