"""The command ``send``.

May import ``cli.base``.
"""
