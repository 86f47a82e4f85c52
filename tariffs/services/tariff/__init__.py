"""Default tariffs of stations, tariffs of sessions, and costs."""
