"""Failures of the machine, over client, journal, sandbox and listener: ``python -m tests.chaos``."""
