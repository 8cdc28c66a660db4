"""A client, a proxy or a recording as a run.

May import everything up to ``reporting``.
"""
