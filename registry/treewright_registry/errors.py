"""Every error that treewright raises on purpose.

    TreewrightError
    ├── UnknownComponent      a name that no plugin registered
    ├── PluginError           strict mode: a plugin could not be loaded
    ├── ConfigurationError    a pipeline that cannot run as written
    ├── ContractError         a component returned what its contract forbids
    ├── CallFailed            a call of a component failed (raised, timed out)
    │   ├── RetryLater        … and its server asks to be called again later
    │   └── CallRefused       … and would fail again however often it is repeated
    ├── BudgetExhausted       a search asked for more than its budget holds
    ├── NoAnswer              a search ended without a single finished trajectory
    ├── DataError             an input file or record that cannot be read
    └── StorageError          a run folder or knowledge base cannot be written: full disk, no permission, locked file

Each message says what was wrong, where, and what to do about it.
"""


class TreewrightError(Exception):
    """Base of all errors raised on purpose; its text is meant for the user."""


class UnknownComponent(TreewrightError, LookupError):
    """No component of this kind and name is registered."""


class PluginError(TreewrightError):
    """Strict mode only: at least one plugin failed to load."""


class ConfigurationError(TreewrightError):
    """A pipeline that cannot run as written; the text lists every complaint with its position."""


class ContractError(TreewrightError):
    """A component returned something that its contract forbids."""


class CallFailed(TreewrightError):
    """One call of a component failed: it raised, ran out of time or lost its worker."""


class RetryLater(CallFailed):
    """A component's server is busy, or asks for fewer calls: HTTP 429 or 503, a full queue.

    The engine lets the whole role rest, halves the number of its calls at once, and repeats the call;
    that counts against ``call.patience``, not ``call.retries``. For ``async`` components.

    Args:
        reason: what the server said.
        seconds: how long to wait, as in the header ``Retry-After``; ``None`` if it did not say,
            then pauses grow from a quarter of a second to half a minute.
    """

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds if seconds is not None and seconds > 0 else None


class CallRefused(CallFailed):
    """A call that fails for what it is: an HTTP status 400, 401, 404. The engine does not repeat it."""


class BudgetExhausted(TreewrightError):
    """The budget of this problem is spent. Searches may let it pass: what they offered counts."""


class NoAnswer(TreewrightError):
    """The search ended without offering a finished trajectory."""


class DataError(TreewrightError):
    """An input file or record cannot be used; the text names file, line and repair."""


class StorageError(TreewrightError):
    """A folder cannot be written. A run stops, and can go on with ``--resume`` once that is repaired.

    A knowledge base stays as it was.
    """
