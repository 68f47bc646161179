"""What can go wrong, in the domain's words: each error says what to do about it.

No error text ever quotes the clinical text: a message may reach a log, and the text is PHI.
"""


class DetectIcdError(Exception):
    """Base of every error this package raises on purpose.

    `reason` is a stable machine-readable name (UPPER_SNAKE, as google.rpc.ErrorInfo wants it).
    """

    reason = "INTERNAL"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidRequestError(DetectIcdError):
    """The request cannot be served as it stands; `field` is the path of the offending field."""

    reason = "INVALID_REQUEST"

    def __init__(self, message: str, *, field: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        if reason is not None:
            self.reason = reason


class UnknownDateError(InvalidRequestError):
    """The date of service lies outside the code sets this service knows."""

    reason = "DATE_OF_SERVICE_UNKNOWN"

    def __init__(self, message: str, *, field: str = "date_of_service") -> None:
        super().__init__(message, field=field)


class NotFoundError(DetectIcdError):
    """The thing asked for (a code, a procedure) is not known."""

    reason = "NOT_FOUND"


class LexiconError(DetectIcdError):
    """The lexicon (its sources or the compiled bundle) is damaged or contradicts itself."""

    reason = "LEXICON_INVALID"


class CancelledError(DetectIcdError):
    """The caller no longer waits (deadline passed or call cancelled); the work was dropped."""

    reason = "CANCELLED"
