"""One request to one server, with a deadline.

May import ``errors``, ``rules`` and ``auth``.
"""
