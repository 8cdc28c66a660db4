"""What happens to a message, and when: pure functions over virtual time.

May import ``config``, ``clock`` and ``state``.
"""
