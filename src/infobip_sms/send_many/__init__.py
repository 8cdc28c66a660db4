"""Any number of messages, each exactly once.

May import ``errors``, ``transport``, ``codecs``.
"""
