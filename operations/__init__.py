"""Pages that compose apps: dashboard, station, session, person. The top floor: no package imports it."""
