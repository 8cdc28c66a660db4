"""The documented operations: a request, the state and the time in; a response and rows out; no I/O.

May import ``config``, ``clock``, ``state`` and ``lifecycle``.
"""
