"""What the operator sees in the browser: the dashboard, the station page, the session page and what all lists share."""
