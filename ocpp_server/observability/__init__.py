"""What operators watch the server with: structured logs, metrics, health."""
