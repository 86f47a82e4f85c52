"""Views of configurations: stored and live keys, desired values, templates, drift, monitors."""
