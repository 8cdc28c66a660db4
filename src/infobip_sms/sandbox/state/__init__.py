"""What a sandbox knows: statuses, test numbers, rows, and the file that keeps them.

May import ``config`` and ``clock``.
"""
