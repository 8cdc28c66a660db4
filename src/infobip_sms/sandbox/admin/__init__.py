"""The admin interface at ``/sandbox/``: JSON for tests, pages for people.

May import everything up to ``mutants``.
"""
