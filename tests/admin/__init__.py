"""Tests of the admin: the content of its pages, the rights for its buttons, the escaping of hostile texts."""
