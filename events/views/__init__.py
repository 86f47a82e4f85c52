"""Events, their stream and webhooks over REST."""
