"""What came back, read with tolerance, and the verdicts.

May import everything up to ``transport``.
"""
