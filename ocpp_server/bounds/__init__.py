"""What an HTTP client may take of a process: the size of a body, the time to send it, requests at once."""
