"""REST views of accounts. DELETE closes users, terminates contracts and invalidates tokens; it only deletes
token groups.
"""
