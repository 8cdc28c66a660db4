"""What several checks share.

May import everything up to ``session``.
"""
