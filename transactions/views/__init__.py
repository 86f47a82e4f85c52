"""Charging sessions over REST: lists, readings, exports, remote start and stop."""
