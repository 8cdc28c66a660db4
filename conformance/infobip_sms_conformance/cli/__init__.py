"""The command line of the suite.

May import everything.
"""
