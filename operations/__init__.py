"""Pages that compose apps: dashboard, station, session, person. The top floor: nothing else imports it."""
