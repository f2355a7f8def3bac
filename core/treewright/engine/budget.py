"""Hard limits on what one problem may cost."""

from collections.abc import Mapping

from treewright_registry import BudgetExhausted, Ledger


class Budget:
    """Limits by counter (summed over roles) or by ``role.counter``.

    ``candidates`` is kept exactly: a request is cut to what is left. The other counters are checked
    before each call, so they are overrun by at most the calls in flight.
    """

    __slots__ = ("_checked", "_inner", "_ledger", "_limits", "candidates")

    def __init__(self, limits: Mapping[str, float], ledger: Ledger) -> None:
        self._limits = dict(limits)
        self._ledger = ledger
        self._checked = [name for name in self._limits if name != "candidates"]
        self._inner = [name for name in self._limits if name.rpartition(".")[2] == "inner_evaluations"]
        #: candidates that may still be asked for; requests in flight are already taken off
        self.candidates: float = limits.get("candidates", float("inf"))

    def take_candidates(self, wanted: int) -> int:
        """Reserve up to ``wanted`` candidates.

        Raises:
            BudgetExhausted: none is left.
        """
        granted = wanted if wanted <= self.candidates else int(self.candidates)
        if granted <= 0:
            raise BudgetExhausted(f"budget spent: candidates {self._limits['candidates']:g}")
        self.candidates -= granted
        return granted

    def give_back_candidates(self, unused: int) -> None:
        """Return candidates that were reserved but not proposed."""
        self.candidates += unused

    def check(self) -> None:
        """Refuse another call if a limit is reached.

        Raises:
            BudgetExhausted: which limit it was.
        """
        for name in self._checked:
            if self.remaining(name) <= 0:
                raise BudgetExhausted(f"budget spent: {name} {self._limits[name]:g}")

    def check_score(self, role: str) -> None:
        """Refuse a call of a scorer if a limit is reached that this scorer itself spends.

        What a policy has already been paid for may still be judged: it belongs to the batch in flight.
        Otherwise a budget that a policy's last call used up would throw that call's answers away.

        Raises:
            BudgetExhausted: which limit it was.
        """
        for name in self._checked:
            own, _, counter = name.rpartition(".")
            spends = own == role or (not own and getattr(self._ledger.of(role), counter) > 0)
            if spends and self.remaining(name) <= 0:
                raise BudgetExhausted(f"budget spent: {name} {self._limits[name]:g}")

    def allowance(self, role: str, requests: int) -> int | None:
        """What each of so many requests to ``role`` may spend of inner evaluations; ``None`` without a limit."""
        names = [name for name in self._inner if name in ("inner_evaluations", f"{role}.inner_evaluations")]
        if not names or not requests:
            return None
        return max(1, int(min(self.remaining(name) for name in names) // requests))

    def remaining(self, counter: str) -> float:
        """What is left of a counter, infinite without a limit."""
        if counter == "candidates":
            return self.candidates
        limit = self._limits.get(counter)
        return float("inf") if limit is None else limit - self._spent(counter)

    def _spent(self, name: str) -> float:
        role, _, counter = name.rpartition(".")
        costs = [self._ledger.of(role)] if role else list(self._ledger.roles.values())
        return float(sum(getattr(cost, counter) for cost in costs))
