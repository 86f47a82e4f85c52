"""Smart charging: charging profiles, limits, and distributed energy resources."""
