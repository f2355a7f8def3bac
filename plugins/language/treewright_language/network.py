"""A causal language model as a function from tokens and kept keys and values to logits.

Rows of different length lie right-aligned in a batch. So each call says by itself where every token
stands (positions) and what it may look at (a mask of four dimensions), as the library's models
allow. Whether a model honours both is tried out when it is loaded.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from treewright_language.key_value_batch import KeyValueBatch, Workspace
from treewright_language.prefix_cache import Shape
from treewright_language.shared_prefix import Places, SharedPrefix, install
from treewright_registry import ConfigurationError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_UNLIMITED = 1 << 30
_CLOSE = 1e-2  # of the logits' spread: what padding may change in the lowest precision, far less than a wrong mask does
_WORTH = 4 << 20  # bytes a layer: attending in two parts costs as much as reading about one of these


class Network:
    """The model, what its cache looks like, and how far it can read.

    Args:
        model: on its device, ready to be asked.
        vocabulary: logits of the first so many ids are used; the rest stands for no token.

    Attributes:
        shape: of a token's keys and values.
        context: most tokens of a sequence.
        device: where it computes.

    Raises:
        ConfigurationError: the model keeps something else than keys and values, cannot be batched in the
            way described above, or knows fewer tokens than its tokenizer.
    """

    def __init__(self, model: "PreTrainedModel", vocabulary: int) -> None:
        self._model: Any = model
        self._vocabulary = vocabulary
        self.device = model.device
        config = model.config.get_text_config()
        self.name = f"{type(model).__name__} ({config.model_type})"
        self._windowed = False
        self.context = int(getattr(config, "max_position_embeddings", None) or _UNLIMITED)
        if vocabulary > config.vocab_size:
            raise ConfigurationError(
                f"the tokenizer knows {vocabulary} tokens, {self.name} only {config.vocab_size}"
                "\n    the tokenizer's files belong to another model; copy the right ones into the folder"
            )
        self.shape = self._probed(config)
        self._check_padding()
        self._shares = self._can_share()

    def forward(
        self,
        tokens: torch.Tensor,
        positions: torch.Tensor,
        batch: KeyValueBatch,
        mask: torch.Tensor | None,
        keep: int = 1,
        prefix: SharedPrefix | None = None,
    ) -> torch.Tensor:
        """Logits [rows, keep, vocabulary] after the last ``keep`` tokens; the batch grows by all of them.

        Args:
            tokens: ids [rows, tokens].
            positions: of each token in its sequence, same shape.
            batch: keys and values of what stands before.
            mask: what is added to attention scores, see ``mask_of``; ``None`` if no row is padded.
            keep: how many.
            prefix: what stands before the batch's columns; if it is given, mask and batch know nothing of it.
        """
        if mask is None and self._windowed:
            blank = torch.zeros(tokens.shape[0], dtype=torch.long, device=self.device)
            mask = self.mask_of(blank, batch.length, blank, tokens.shape[1])
        return self._outputs(
            keep,
            input_ids=tokens,
            position_ids=positions,
            attention_mask=mask,
            past_key_values=batch,
            use_cache=True,
            **({} if prefix is None else {"shared_prefix": prefix}),
        )

    def _outputs(self, keep: int, **inputs: Any) -> torch.Tensor:
        """What the model makes of the last ``keep`` tokens."""
        logits: torch.Tensor = self._model(**inputs, logits_to_keep=keep).logits
        return logits[:, -keep:, : self._vocabulary].float()

    def worth_sharing(self, tokens: int) -> bool:
        """Whether prefixes had better be in common (``shared_prefix``), where that saves so many tokens' keys."""
        return self._shares and tokens * self.shape.token_bytes > _WORTH * len(self.shape.layers)

    def mask_of(self, blanks: torch.Tensor, past: int, new_blanks: torch.Tensor, new: int) -> torch.Tensor:
        """What new tokens may look at, [rows, 1, new, past + new]: 0 where they may, a very low number elsewhere.

        Args:
            blanks: for each row, how many of the ``past`` columns before are padding (the first ones).
            past: columns kept.
            new_blanks: for each row, how many of the ``new`` columns are padding (the first ones).
            new: columns to be computed.
        """
        column = torch.arange(past + new, device=self.device)
        line = torch.arange(new, device=self.device)
        old = (column[None] >= blanks[:, None]) & (column[None] < past)
        fresh = column[None] >= past + new_blanks[:, None]
        seen = old[:, None] | (fresh[:, None] & (column[None, None] <= past + line[None, :, None]))
        mask = torch.zeros(seen.shape, dtype=self.shape.dtype, device=self.device)
        return mask.masked_fill_(~seen, torch.finfo(self.shape.dtype).min)[:, None]

    def _probed(self, config: Any) -> Shape:
        """The shape of its cache, found by reading two tokens."""
        from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

        cache = DynamicCache(config=config)
        tokens = torch.zeros((1, 2), dtype=torch.long, device=self.device)
        with torch.inference_mode():
            self._model(input_ids=tokens, past_key_values=cache, use_cache=True)
        layers: list[Any] = list(cache.layers)
        strange = [
            type(layer).__name__ for layer in layers if type(layer) not in (DynamicLayer, DynamicSlidingWindowLayer)
        ]
        if strange or not layers or any(not layer.is_initialized for layer in layers):
            kind = strange[0] if strange else "no cache"
            raise ConfigurationError(
                f"{self.name} keeps something else than keys and values of all tokens ({kind}),"
                " which cannot be cut and joined along a search tree"
                "\n    serve it with vLLM or the like, and use language/openai"
            )
        windows = [layer.sliding_window for layer in layers if isinstance(layer, DynamicSlidingWindowLayer)]
        if windows:  # within the window it attends to everything, like any other layer
            self._windowed = True
            self.context = min(self.context, *windows)
        first = layers[0].keys
        heads = tuple((_head(layer.keys), _head(layer.values)) for layer in layers)
        return Shape(heads, first.dtype, first.device, 4 * self._vocabulary)

    def _check_padding(self) -> None:
        """Three tokens read at once, and beside a longer row with the first one kept: the logits must agree."""
        try:
            with torch.inference_mode():
                plain, rest = self._read_in_two_ways()
        except Exception as error:  # an architecture that takes no such masks may raise anything
            raise self._unlike_others(f"{type(error).__name__}: {error}") from error
        if not bool(plain.isfinite().all()):
            raise ConfigurationError(
                f"the weights of {self.name} give no numbers as logits ({self.shape.dtype})"
                "\n    the file is damaged, or needs another precision: copy it again, or set  dtype: float32"
            )
        if not float((plain - rest).abs().max()) <= _CLOSE * float(plain.max() - plain.min()) + 1e-6:
            raise self._unlike_others("it gives other logits in a padded batch")

    def _read_in_two_ways(self) -> tuple[torch.Tensor, torch.Tensor]:
        ids = [number % self._vocabulary for number in (1, 2, 3)]
        plain = self._outputs(1, input_ids=self._long([ids]), use_cache=False)[0, -1]
        batch = Workspace(self.shape).batch(2, 8)
        two, zeros = self._long([0, 1]), self._long([0, 0])
        first = self.mask_of(zeros, 0, two, 2)
        self.forward(self._long([[ids[1], ids[0]], [0, ids[0]]]), self._long([[0, 1], [0, 0]]), batch, first)
        second = self.mask_of(two, 2, zeros, 2)
        rest = self.forward(self._long([ids[1:], ids[1:]]), self._long([[2, 3], [1, 2]]), batch, second)[1, -1]
        return plain, rest

    def _can_share(self) -> bool:
        """Two rows read on from one prefix: whether the logits are those of the whole sequences."""
        config = self._model.config.get_text_config()
        before = config._attn_implementation
        if not install(self._model):
            return False
        try:
            with torch.inference_mode():
                whole, shared = self._read_shared()
            right = float((whole - shared).abs().max()) <= _CLOSE * float(whole.max() - whole.min()) + 1e-6
        except Exception:  # an architecture of its own kind may raise anything
            right = False
        if not right:
            self._model.set_attn_implementation(before)
        return right

    def _read_shared(self) -> tuple[torch.Tensor, torch.Tensor]:
        ids = [[number % self._vocabulary for number in (1, 2, last, 5)] for last in (3, 4)]
        whole = self._outputs(1, input_ids=self._long(ids), use_cache=False)[:, -1]
        batch = Workspace(self.shape).batch(1, 8)
        self.forward(self._long([ids[0][:2]]), self._long([[0, 1]]), batch, None)
        layers = [(keys[:, :, :2], values[:, :, :2]) for keys, values in batch.buffers]
        prefix = SharedPrefix(layers, None, Places([0], 2, [0, 1]))
        rest = [row[2:] for row in ids]
        own = Workspace(self.shape).batch(2, 8)
        shared = self.forward(self._long(rest), self._long([[2, 3], [2, 3]]), own, None, prefix=prefix)[:, -1]
        return whole, shared

    def _unlike_others(self, cause: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self.name} does not take positions and masks as other models do, so its rows cannot be batched: {cause}"
            "\n    serve it with vLLM or the like, and use language/openai"
        )

    def _long(self, numbers: Sequence[Any]) -> torch.Tensor:
        return torch.tensor(numbers, dtype=torch.long, device=self.device)


class Backbone(Network):
    """A network without an output layer: ``forward`` gives the last hidden states [rows, keep, c] instead of logits.

    Args:
        model: gives ``last_hidden_state``.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(model, int(model.config.get_text_config().vocab_size))

    def _outputs(self, keep: int, **inputs: Any) -> torch.Tensor:
        states: torch.Tensor = self._model(**inputs).last_hidden_state
        return states[:, -keep:]


def _head(states: torch.Tensor) -> tuple[int, int]:
    return states.shape[1], states.shape[3]
