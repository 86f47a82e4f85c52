"""The generated clients against a running server."""
