"""Events for other programs: the catalogue of types, and adding an event to the change it belongs to.

The app `events` stores, numbers and serves them (docs/decisions/0061).
"""
