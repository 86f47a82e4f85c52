"""The engine and the wiring: protocol, journal, live state, settings and API plumbing."""

# The one version number: of the package, the API and the image. A test compares the other places with it.
__version__ = "0.1.0"
