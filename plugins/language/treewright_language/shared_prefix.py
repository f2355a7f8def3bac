"""Attention over keys and values that rows of a batch have in common, which are read once for all of them.

The keys of a row are those of the prefix before, P, and its own behind, O. Attention to both is that to each,
joined by the mass of its softmax (the "log-sum-exp" of the scores)::

    a = (1 - w) · a_O + w · a_P,      w = 1 / (1 + exp(lse_O - lse_P))

so the prefix can be attended to by all rows of a group at once, and is neither copied for each nor padded to the length
of its own part. Idea: J. Juravsky et al., "Hydragen", 2024 (arXiv 2402.05099).
"""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import torch

from treewright_language.key_value_batch import Workspace
from treewright_language.prefix_cache import Layer, PrefixCache, Slots

NAME = "treewright_shared_prefix"  # of the attention function, among those of transformers
_FEW = 0.75  # share of groups: what it costs to move these is saved within some tokens
_FAST_TYPES = (torch.float32, torch.bfloat16, torch.float16)


class Places(NamedTuple):
    """Which rows share a prefix.

    Attributes:
        first: for each group, a row that has its prefix.
        size: places of a group; not all of them need be taken.
        of_rows: for each row its place, counted through all groups.
    """

    first: list[int]
    size: int
    of_rows: list[int]


def grouped(prefixes: Sequence[Hashable]) -> Places:
    """Rows of equal prefixes together, in groups of like size: a large family makes several."""
    families: dict[Hashable, list[int]] = {}
    for row, prefix in enumerate(prefixes):
        families.setdefault(prefix, []).append(row)
    size = min(max(map(len, families.values())), 2 * -(-len(prefixes) // len(families)))
    groups = [rows[start : start + size] for rows in families.values() for start in range(0, len(rows), size)]
    of_rows = [0] * len(prefixes)
    for number, rows in enumerate(groups):
        for place, row in enumerate(rows):
            of_rows[row] = number * size + place
    return Places([rows[0] for rows in groups], size, of_rows)


class SharedPrefix:
    """Keys and values that stand before all of a batch's own columns, and which rows they belong to.

    Args:
        layers: by layer, [groups, heads, columns, width].
        mask: what is added to scores, [groups, 1, 1, columns]; ``None`` if no group is padded.
        places: the rows.
    """

    def __init__(self, layers: Sequence[Layer], mask: torch.Tensor | None, places: Places) -> None:
        self._layers = list(layers)
        self._mask = mask
        self._groups, self._size = len(places.first), places.size
        self._alone = places.size == 1 and places.of_rows == list(range(self._groups))
        self._places = torch.tensor(places.of_rows, device=layers[0][0].device)

    def keep(self, order: torch.Tensor) -> None:
        """Go on with these rows, in this order; groups that have none left go when they are many."""
        self._places = self._places[order]
        self._alone = False
        alive, group = torch.unique(self._places // self._size, return_inverse=True)
        if len(alive) > _FEW * self._groups:
            return
        self._places = group * self._size + self._places % self._size
        self._groups = len(alive)
        self._mask = None if self._mask is None else self._mask[alive]
        self._layers = [(_first(keys, alive), _first(values, alive)) for keys, values in self._layers]

    def attended(self, layer: int, query: torch.Tensor, scale: float | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Attention [rows, heads, tokens, width] to the prefix, and the logarithm of its mass [rows, heads, tokens]."""
        keys, values = self._layers[layer]
        if self._alone:
            return attended(query, keys, values, self._mask, scale)
        _, heads, tokens, width = query.shape
        spread = query.new_zeros((self._groups * self._size, heads, tokens, width)).index_copy_(0, self._places, query)
        # [groups, heads of keys, places, queries to a key's head, tokens, width]
        parts = spread.view(self._groups, self._size, keys.shape[1], -1, tokens, width).transpose(1, 2)
        found, mass = attended(parts.flatten(2, 4), keys, values, self._mask, scale)
        return self._by_rows(found, heads, tokens), self._by_rows(mass[..., None], heads, tokens)[..., 0]

    def _by_rows(self, found: torch.Tensor, heads: int, tokens: int) -> torch.Tensor:
        """From groups to rows, [rows, heads, tokens, width]."""
        groups, shared, _, width = found.shape
        parts = found.view(groups, shared, self._size, heads // shared, tokens, width).transpose(1, 2)
        return parts.reshape(groups * self._size, heads, tokens, width)[self._places]


def opened(rows: Sequence[Slots], cache: PrefixCache, space: Workspace) -> SharedPrefix | None:
    """What stands before the rows of a batch, from the cache; ``None`` if nothing does.

    Args:
        rows: slots of each row's prefix.
        cache: that they are of.
        space: memory; an earlier prefix in it ends.
    """
    width = max(map(len, rows))
    if not width:
        return None
    places = grouped([slots.tobytes() for slots in rows])
    chosen = [rows[row] for row in places.first]
    groups = len(chosen)
    memory = space.prefixes(groups * width)
    cache.gather_by_token(chosen, width, memory)
    layers = [
        (
            keys.view(groups, width, *keys.shape[1:]).transpose(1, 2),
            values.view(groups, width, *values.shape[1:]).transpose(1, 2),
        )
        for keys, values in memory
    ]
    return SharedPrefix(layers, _blanks(chosen, width, layers[0][0]), places)


def _first(states: torch.Tensor, groups: torch.Tensor) -> torch.Tensor:
    """These groups, moved to the beginning of the memory that they are in."""
    moved = states[: len(groups)]
    return moved.copy_(states[groups])


def _blanks(rows: Sequence[Slots], width: int, like: torch.Tensor) -> torch.Tensor | None:
    """The mask of prefixes that end in the last column."""
    blanks = torch.tensor([width - len(slots) for slots in rows], device=like.device)
    if not blanks.any():
        return None
    mask = torch.zeros((len(rows), width), dtype=like.dtype, device=like.device)
    before = torch.arange(width, device=like.device)[None] < blanks[:, None]
    return mask.masked_fill_(before, torch.finfo(like.dtype).min)[:, None, None]


def attended(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None, scale: float | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention, and the logarithm of the sum of its exponentials, both for each query.

    Args:
        query: [rows, heads, tokens, width].
        keys: [rows, heads, columns, width]; their heads may be fewer, by a whole factor.
        values: the same, perhaps of another width.
        mask: added to the scores, [rows or 1, 1, tokens or 1, columns].
        scale: of the scores; ``None`` for one over the square root of the width.
    """
    shape = query.shape
    several = shape[1] // keys.shape[1]
    if several > 1:  # heads that look at the same keys become further tokens
        query = query.reshape(shape[0], keys.shape[1], several * shape[2], shape[3])
        if mask is not None and mask.shape[2] > 1:
            mask = mask.repeat(1, 1, several, 1)
    if mask is not None:
        mask = mask.expand(-1, -1, query.shape[2], -1)
    found, mass = _kernel(query, keys, values, mask, shape[3] ** -0.5 if scale is None else scale)
    return found.reshape(*shape[:3], values.shape[3]), mass.reshape(shape[:3])


def _kernel(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None, scale: float
) -> tuple[torch.Tensor, torch.Tensor]:
    fast = query.device.type == "cpu" and query.dtype in _FAST_TYPES and keys.shape[3] == values.shape[3]
    if fast:
        flash: Any = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
        found, mass = flash(query, keys, values, 0.0, False, attn_mask=mask, scale=scale)
        return found, mass
    return plainly(query, keys, values, mask, scale)


def plainly(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None, scale: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """As ``attended``, for as many heads of queries as of keys, in the words of the formula."""
    scores = (query @ keys.transpose(-1, -2)).float() * scale
    if mask is not None:
        scores = scores + mask
    mass = scores.logsumexp(-1)
    return (scores - mass[..., None]).exp().to(values.dtype) @ values, mass


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    shared_prefix: SharedPrefix | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """The attention function as transformers' models call it: their own without a shared prefix."""
    if shared_prefix is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        ordinary: Any = sdpa_attention_forward
        result: tuple[torch.Tensor, None] = ordinary(
            module, query, key, value, attention_mask, scaling=scaling, **options
        )
        return result
    tokens = query.shape[2]
    if attention_mask is None and tokens > 1:
        attention_mask = _causal(tokens, key.shape[2], query)
    own, own_mass = attended(query, key, value, attention_mask, scaling)
    before, mass = shared_prefix.attended(module.layer_idx, query, scaling)  # type: ignore[arg-type]
    share = torch.sigmoid(mass - own_mass)[..., None].to(own.dtype)
    return torch.lerp(own, before, share).transpose(1, 2).contiguous(), None


def _causal(tokens: int, columns: int, like: torch.Tensor) -> torch.Tensor:
    """For the last ``tokens`` of ``columns``."""
    lowest = torch.full((tokens, columns), torch.finfo(like.dtype).min, dtype=like.dtype, device=like.device)
    return lowest.triu_(columns - tokens + 1)[None, None]


def install(model: Any) -> bool:
    """Let a model attend this way; whether its architecture leaves the choice of the attention function."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    config = model.config.get_text_config()
    if model.device.type != "cpu":  # elsewhere no kernel tells the mass, and the formula's own words are slow
        return False
    if config._attn_implementation != "sdpa" or not model._can_set_attn_implementation():
        return False
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)
    return bool(config._attn_implementation == NAME)
