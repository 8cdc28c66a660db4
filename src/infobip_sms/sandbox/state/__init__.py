"""The data of a sandbox: statuses, test numbers, rows and the data file.

May import ``config`` and ``clock``.
"""
