"""Every error that treewright raises on purpose.

    TreewrightError
    ├── UnknownComponent      a name that no plugin registered
    ├── PluginError           strict mode: a plugin could not be loaded
    ├── ConfigurationError    a pipeline that cannot run as written
    ├── ContractError         a component returned what its contract forbids
    ├── CallFailed            a call of a component failed (raised, timed out)
    ├── BudgetExhausted       a search asked for more than its budget holds
    ├── NoAnswer              a search ended without a single finished trajectory
    └── DataError             an input file or record that cannot be read

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


class BudgetExhausted(TreewrightError):
    """The budget of this problem is spent. Searches may let it pass: what they offered counts."""


class NoAnswer(TreewrightError):
    """The search ended without offering a finished trajectory."""


class DataError(TreewrightError):
    """An input file or record cannot be used; the text names file, line and repair."""
