"""Sockets, threads and the wall clock.

May import everything up to ``admin``.
"""
