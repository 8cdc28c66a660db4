"""Exit codes, and the error of a command that cannot be carried out."""

NOTHING_FAILED, SOMETHING_FAILED, COULD_NOT_TEST, USAGE_ERROR = range(4)
INTERRUPTED = 130


class UsageError(ValueError):
    """Ends the program before anything is sent; its text says what is wrong, in one line."""
