"""Bytes out and bytes in.

May import ``errors`` and ``contract``.
"""
