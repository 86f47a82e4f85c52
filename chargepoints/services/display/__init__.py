"""Messages on the displays of stations (2.0.1 O)."""
