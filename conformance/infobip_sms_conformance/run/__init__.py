"""From a plan to a result.

May import everything up to ``session``, and ``checks`` to load them.
"""
