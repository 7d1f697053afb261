"""The one error of this room."""


class BenchError(RuntimeError):
    """Something needed is missing or did not start; the text says what to do."""
