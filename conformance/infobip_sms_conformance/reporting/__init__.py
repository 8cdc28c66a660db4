"""The result of a run, for people and for programs.

May import everything up to ``run`` and ``client_checks``.
"""
