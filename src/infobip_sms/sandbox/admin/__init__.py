"""The admin interface at ``/sandbox/``: a JSON API for tests and pages for people.

May import everything up to ``mutants``.
"""
