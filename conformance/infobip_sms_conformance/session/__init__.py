"""One conversation with one server, within a budget.

May import everything up to ``fixtures`` and ``sanitization``.
"""
