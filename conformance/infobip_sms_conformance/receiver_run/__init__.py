"""A callback receiver as a run: delivery reports are posted to it, and its responses are checked.

May import everything up to ``reporting``.
"""
