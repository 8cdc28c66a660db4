"""What was asked for cannot be done.

Lives here: the error that ends the program with the exit code for wrong usage.
Never here: what is wrong, which each module knows for itself.
"""


class WrongUsage(ValueError):
    """Ends the program before anything is sent; its text says what is wrong, in one line."""
