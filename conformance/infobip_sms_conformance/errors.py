"""Exit codes, and the error of a command that cannot be carried out."""

NOTHING_FAILED, SOMETHING_FAILED, COULD_NOT_JUDGE, WRONG_USAGE = range(4)


class WrongUsage(ValueError):
    """Ends the program before anything is sent; its text says what is wrong, in one line."""
