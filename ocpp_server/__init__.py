"""The engine and the configuration: protocol, storage, live state, transport, processes, API and settings."""

# The version of the package, the API and the image. A test compares other mentions of the version with it.
__version__ = "0.1.0"
