"""One captured client request, held to the contract.

May import everything up to ``checks.support``.
"""
