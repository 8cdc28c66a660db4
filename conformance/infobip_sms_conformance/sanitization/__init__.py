"""Output that is fit to be printed: no number, text or credential.

May import everything up to ``observations``.
"""
