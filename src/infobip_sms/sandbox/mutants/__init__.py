"""Sandboxes that violate one requirement on purpose, and injected failures.

May import everything up to ``api``.
"""
