"""The signer: the keys of our CAs, and what is signed with them.

Only the process `run.py signer` and the commands `manage.py pki` import this package; a test reads the
imports. A process that serves browsers or stations never holds a CA key.
"""
