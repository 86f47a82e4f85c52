"""The admin kit: the base of all lists, cells, colours, filters, theme, roles, middleware and static files.

It imports no app. Apps register their menu entries (`menu`), dashboard cards (`cards`) and pages (`pages`).
Below it stand `protocol`, `storage` and `observability`.
"""
