"""The errors a person can act on.

Every error says three things: what was found, what was expected, and what to do.
The command line prints that sentence and stops; nobody sees a traceback.
"""


class CrmError(Exception):
    """An error with a remedy.

    Parameters
    ----------
    found : str
        What was found, with file, row, column and value where there are any.
    expected : str
        What was expected instead.
    remedy : str
        What the reader can do about it.

    Examples
    --------
    >>> print(CrmError("no table 'orders' in data/", "a file orders.csv", "add it or map one"))
    Found: no table 'orders' in data/. Expected: a file orders.csv. What to do: add it or map one.
    """

    exit_code = 1

    def __init__(self, found: str, expected: str, remedy: str):
        self.found, self.expected, self.remedy = found, expected, remedy
        parts = (f"Found: {found}", f"Expected: {expected}", f"What to do: {remedy}")
        super().__init__(" ".join(part if part.endswith((".", "?", "!")) else part + "." for part in parts))

    def __reduce__(self):
        return type(self), (self.found, self.expected, self.remedy)


class DataError(CrmError):
    """The data cannot be used as they are."""


class TooLittleData(CrmError):
    """A method refuses, because too little is there to answer honestly."""


class ParameterError(CrmError):
    """A parameter or a run file is not valid; raised before anything runs."""

    exit_code = 2


class RunError(CrmError):
    """A notebook failed, or a run could not be completed."""
