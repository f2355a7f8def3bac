"""Drawing steps token by token, many rows at once.

All rows of a batch draw their t-th token at the same time. A row that has finished leaves the batch at
once: its keys and values go to the cache, and the last row takes its place.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from treewright_language.key_value_batch import KeyValueBatch, Workspace
from treewright_language.keyed_uniforms import uniforms
from treewright_language.network import Network
from treewright_language.prefix_cache import Kept, PrefixCache
from treewright_language.reading import Counters
from treewright_language.shared_prefix import SharedPrefix, opened
from treewright_language.token_law import Law, RowLaws, draw
from treewright_language.token_text import TokenText
from treewright_registry.trajectory import Finish

_COLUMNS = 128  # for new tokens at first; more when they are needed


class Ending(NamedTuple):
    """When a step ends, beside the end of the answer.

    Attributes:
        limit: most tokens.
        at_limit: what a step is that has as many.
        at_delimiter: whether it ends with the token that completes the delimiter.
    """

    limit: int
    at_limit: Finish
    at_delimiter: bool


class Row(NamedTuple):
    """One step to be drawn.

    Attributes:
        ids: the tokens before it, all in the cache.
        logits: of its first token.
        seed: of its random numbers, 64 bits.
        law: from which its tokens are drawn.
        ending: when it ends.
    """

    ids: tuple[int, ...]
    logits: torch.Tensor
    seed: int
    law: Law
    ending: Ending


class Drawn(NamedTuple):
    """A step as tokens.

    Attributes:
        ids: its tokens, the end of the answer included.
        log_probability: their sum under the row's law; NaN if the model's logits were no numbers.
        finish: why it ended.
    """

    ids: tuple[int, ...]
    log_probability: float
    finish: Finish


class _State:
    """The rows that are still being drawn, as arrays."""

    def __init__(self, rows: Sequence[Row], text: TokenText, columns: int) -> None:
        self.rows = list(range(len(rows)))  # which row of the call each row of the batch is
        self.seeds = np.array([row.seed for row in rows], dtype=np.uint64)
        self.limits = np.array([row.ending.limit for row in rows])
        self.by_delimiter = np.array([row.ending.at_delimiter for row in rows])
        self.lengths = np.array([len(row.ids) for row in rows])
        self.sums = np.zeros(len(rows))
        self.drawn = np.zeros((len(rows), columns), dtype=np.int64)
        self.is_end = np.zeros(text.size, dtype=bool)
        self.is_end[[end for end in text.ends if end < text.size]] = True

    def keep(self, order: npt.NDArray[np.int64]) -> None:
        """Go on with these rows, in this order."""
        self.rows = [self.rows[row] for row in order]
        for name in ("seeds", "limits", "by_delimiter", "lengths", "sums", "drawn"):
            setattr(self, name, getattr(self, name)[order])

    def widen(self) -> None:
        """Room for twice as many tokens."""
        self.drawn = np.concatenate([self.drawn, np.zeros_like(self.drawn)], axis=1)


class Decoder:
    """Draws steps.

    Args:
        network: computes.
        text: knows where a step may end.
        space: memory for its batches.
        counters: are told what was done.
    """

    def __init__(self, network: Network, text: TokenText, space: Workspace, counters: Counters) -> None:
        self._network = network
        self._text = text
        self._space = space
        self._counters = counters

    def draw(self, rows: Sequence[Row], cache: PrefixCache, *, keep: bool) -> list[Drawn]:
        """A step for each row; ``keep`` leaves keys and values of what was computed in the cache."""
        longest = max(row.ending.limit for row in rows)
        state = _State(rows, self._text, min(longest, _COLUMNS))
        batch, prefix = self._started(rows, min(longest, _COLUMNS), cache)
        past = batch.length
        mask = self._mask(state, past, longest) if prefix is None else None
        laws = RowLaws([row.law for row in rows], self._network.device)
        logits = torch.stack([row.logits for row in rows])
        results: dict[int, Drawn] = {}
        for count in range(1, longest + 1):
            if count > state.drawn.shape[1]:
                state.widen()
            tokens, likely = draw(laws.probabilities(logits), uniforms(state.seeds, count - 1))
            drawn = tokens.cpu().numpy()
            state.drawn[:, count - 1] = drawn
            state.sums += likely.cpu().numpy()
            over = self._over(rows, state, drawn, count)
            if over.any():
                places = np.flatnonzero(over).tolist()
                for place in places:
                    number = state.rows[place]
                    results[number] = self._finished(rows[number], state, place, count)
                if keep and count > 1:
                    computed = [(rows[state.rows[place]], results[state.rows[place]], place) for place in places]
                    cache.store_all([_kept(*each, past) for each in computed], batch.buffers)
                order = self._leave(over, batch)
                if not len(order):
                    break
                state.keep(order)
                laws.keep(order.tolist())
                index = torch.from_numpy(order).to(tokens.device)
                tokens = tokens[index]
                mask = None if mask is None else mask[index]
                if prefix is not None:
                    prefix.keep(index)
            if batch.length == batch.columns:
                batch = self._space.widened(batch, past + min(longest, 2 * (batch.columns - past)))
            logits = self._fed(state, batch, tokens, mask, prefix, count)
        self._counters.drawn += sum(len(result.ids) for result in results.values())
        return [results[number] for number in range(len(rows))]

    def _started(self, rows: Sequence[Row], new: int, cache: PrefixCache) -> tuple[KeyValueBatch, SharedPrefix | None]:
        """Room for new tokens behind what is in the cache: a prefix that rows share, or columns of their own."""
        found = {ids: cache.find(ids, len(ids)).slots for ids in {row.ids for row in rows}}
        slots = [found[row.ids] for row in rows]
        past = max(map(len, slots))
        if self._network.worth_sharing((len(rows) - len(found)) * past):
            return self._space.batch(len(rows), new), opened(slots, cache, self._space)
        batch = self._space.batch(len(rows), past + new, past)
        cache.gather(slots, past, batch.buffers)
        return batch, None

    def _mask(self, state: _State, past: int, longest: int) -> torch.Tensor | None:
        """For any number of new columns; a call uses as many as there are."""
        blanks = past - state.lengths
        if not blanks.any():
            return None
        device = self._network.device
        none = torch.zeros(len(blanks), dtype=torch.long, device=device)
        return self._network.mask_of(torch.from_numpy(blanks).to(device), past + longest, none, 1)[..., :-1]

    def _fed(
        self,
        state: _State,
        batch: KeyValueBatch,
        tokens: torch.Tensor,
        mask: torch.Tensor | None,
        prefix: SharedPrefix | None,
        count: int,
    ) -> torch.Tensor:
        """Logits of the next token of each row."""
        positions = torch.from_numpy(state.lengths + (count - 1)).to(self._network.device)
        seen = None if mask is None else mask[..., : batch.length + 1]
        self._counters.decoded += len(state.rows)
        return self._network.forward(tokens[:, None], positions[:, None], batch, seen, prefix=prefix)[:, -1]

    def _over(
        self, rows: Sequence[Row], state: _State, drawn: npt.NDArray[np.int64], count: int
    ) -> npt.NDArray[np.bool_]:
        """Which rows have finished with their newest token."""
        over: npt.NDArray[np.bool_] = state.is_end[drawn] | (state.limits <= count)
        for place in np.flatnonzero(state.by_delimiter & self._text.may_complete[drawn] & ~over):
            over[place] = self._delimited(rows[state.rows[place]], state, int(place), count)
        return over

    def _delimited(self, row: Row, state: _State, place: int, count: int) -> bool:
        return self._text.completes(state.drawn[place, :count].tolist(), row.ids)

    def _finished(self, row: Row, state: _State, place: int, count: int) -> Drawn:
        ids = tuple(state.drawn[place, :count].tolist())
        finish: Finish = row.ending.at_limit
        if state.is_end[ids[-1]]:
            finish = "stop"
        elif row.ending.at_delimiter and self._text.may_complete[ids[-1]] and self._text.completes(ids, row.ids):
            finish = "step"
        return Drawn(ids, float(state.sums[place]), finish)

    def _leave(self, over: npt.NDArray[np.bool_], batch: KeyValueBatch) -> npt.NDArray[np.int64]:
        """Take finished rows out: the last rows move to their places. The order of those that go on."""
        left = int((~over).sum())
        order = np.arange(left)
        holes = np.flatnonzero(over[:left])
        movers = np.flatnonzero(~over[left:]) + left
        for hole, mover in zip(holes.tolist(), movers.tolist(), strict=True):
            batch.move(mover, hole)
        order[holes] = movers
        if left:
            batch.shrink(left)
        return order


def _kept(row: Row, result: Drawn, place: int, past: int) -> Kept:
    """What was computed of a finished row: all but its newest token, which has not been fed."""
    return Kept(row.ids + result.ids[:-1], len(row.ids), place, past, passing=result.finish != "step")
