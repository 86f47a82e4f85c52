"""The formats of times in the admin: sortable, with seconds."""
