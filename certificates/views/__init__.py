"""The PKI over REST."""
