"""How the admin writes times: sortable, with seconds, the same everywhere."""
