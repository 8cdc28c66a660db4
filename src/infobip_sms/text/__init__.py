"""Texts: segments and transliteration, no I/O.

May import ``errors`` and ``rules``.
"""
