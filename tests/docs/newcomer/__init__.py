"""The tasks of a newcomer, written with this client and with others: real code, counted."""
