"""Smart charging: charging profiles, limits, and distributed energy resources. It has no table yet."""
