"""Requirements violated on purpose, and injected failures.

May import everything up to ``api``.
"""
