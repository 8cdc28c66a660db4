"""The contract as data: the only reader of the facts in ``schema/``.

May import ``errors``.
"""
