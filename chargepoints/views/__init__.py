"""Stations over REST: provisioning, status, commands, the message log and sites."""
