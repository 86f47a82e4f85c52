"""One behaviour of the protocol engine per file; cases carry the ids of the conformance catalogue."""
