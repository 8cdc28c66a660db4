"""The documented operations, without I/O: request, state and time in; response and rows out.

May import ``config``, ``clock``, ``state`` and ``lifecycle``.
"""
