"""What the operator sees in the browser: dashboard, station page, session page, and what all lists share."""
