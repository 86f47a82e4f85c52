"""Who may charge where, on the wire and behind it."""
