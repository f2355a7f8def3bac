"""Monte-Carlo tree search from its definition: every node keeps the list of all its returns."""

from math import exp, log, sqrt

from tests.searches.letter_tree import DEPTH, LETTERS, value

PRIORS = [exp(log_odds) for log_odds in (-0.1, -1.0, -3.0)]


class SlowMcts:
    """Nodes are words; nothing is cached, nothing is incremental."""

    def __init__(self, rule: str, seed: int, *, exploration: float = sqrt(2), c_init: float = 1.25) -> None:
        self.rule, self.seed = rule, seed
        self.exploration, self.c_init = exploration, c_init
        self.returns: dict[str, list[float]] = {"": []}  # in order of birth
        self.expanded: set[str] = set()

    def run(self, iterations: int) -> dict[str, int]:
        """Word → visits, after at most so many expansions."""
        for _ in range(iterations):
            if self.closed(""):
                break
            self.iterate()
        return {word: len(returns) for word, returns in self.returns.items()}

    def iterate(self) -> None:
        word = ""
        while word in self.expanded:
            open_children = [word + letter for letter in LETTERS if not self.closed(word + letter)]
            word = max(open_children, key=self.selection_value)  # max takes the first of equals
        self.expanded.add(word)
        for letter in LETTERS:
            child = word + letter
            self.returns[child] = [value(child, self.seed)]
            for length in range(len(word) + 1):
                self.returns[word[:length]].append(value(child, self.seed))

    def selection_value(self, word: str) -> float:
        returns, siblings = self.returns[word], len(self.returns[word[:-1]])
        mean = sum(returns) / len(returns)
        if self.rule == "uct":
            return mean + self.exploration * sqrt(log(siblings) / len(returns))
        prior = PRIORS[LETTERS.index(word[-1])] / sum(PRIORS)
        growth = log((siblings + 19652 + 1) / 19652) + self.c_init
        return mean + prior * growth * sqrt(siblings) / (1 + len(returns))

    def closed(self, word: str) -> bool:
        if len(word) == DEPTH:
            return True
        return word in self.expanded and all(self.closed(word + letter) for letter in LETTERS)
