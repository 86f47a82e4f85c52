"""The common parts of the admin: base of lists, cells, colours, filters, theme, roles, middleware, static
files.

This package imports no app: apps register their menu entries (`menu`), dashboard cards (`cards`) and pages
(`pages`). It imports `protocol`, `storage` and `observability`.
"""
