"""Segments and transliteration of texts; no I/O.

May import ``errors`` and ``rules``.
"""
