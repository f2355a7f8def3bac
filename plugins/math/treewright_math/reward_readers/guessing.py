r"""Which recipe a folder wants: by its own word, by a published model's name, else by what its config and files say.

A model that is trained in a vendor's format says so in its config.json, and may say where its steps end (and,
for ``pure`` and ``trl``, which ``mark`` stands behind them):

    "treewright": {"recipe": "likelihood-head", "separator": "\n"}

Several recipes share one architecture (Qwen2.5-Math-PRM and ReasonFlux-PRM-7B; PURE and TRL; every plain language
model). Then nothing is guessed: the error lists the candidates.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from treewright_math.reward_readers.catalogue import RECIPES
from treewright_math.reward_readers.checkpoint import read_config, tensor_names
from treewright_math.reward_readers.recipe import Recipe
from treewright_registry import ConfigurationError

_NAMES: Final = (
    ("reasonflux-prm-7b", "reasonflux-prm-7b"),
    ("reasonflux-prm-1.5b", "reasonflux-prm-1.5b"),
    ("qwen2.5-math-prm", "qwen2.5-math-prm"),
    ("math-shepherd-mistral", "math-shepherd"),
    ("llama3.1-8b-prm", "rlhflow-prm"),
    ("llama3.1-8b-orm", "rlhflow-orm"),
    ("skywork-o1-open-prm", "skywork-o1-prm"),
    ("metastone-s1", "metastone-sprm"),
    ("xbai-o4", "metastone-sprm"),
    ("eurusprm", "implicit-prm"),
    ("reasoneval", "reasoneval"),
    ("pure-prm", "pure"),
    ("jinachris/qwen2.5-math-7b-prm800k", "pure-prm800k"),
    ("qwen2.5-math-1.5b-instruct-prm-0.2", "trl"),
    ("qwen2.5-math-7b-instruct-prm-0.1", "trl"),
)
"""Part of a published name, in lower case → recipe. ``Qwen2.5-Math-7B-PRM800K`` is two models, so it needs its
owner's name."""


def guess(model: str, folder: Path) -> Recipe:
    """The recipe of a folder.

    Args:
        model: as the user wrote it; published names are recognised in it.
        folder: where it is.

    Raises:
        ConfigurationError: several recipes would fit, or none.
    """
    config = read_config(folder)
    said = own_word(config).get("recipe")
    if said is not None:
        return _said(str(said), folder)
    names = (model.lower(), str(config.get("_name_or_path", "")).lower())
    for part, recipe in _NAMES:
        if any(part in name for name in names):
            return RECIPES[recipe]
    candidates = _by_form(config, folder)
    if len(candidates) == 1:
        return RECIPES[candidates[0]]
    raise ConfigurationError(
        f"model '{model}': it cannot be told which recipe reads it; it might be {', '.join(candidates)}"
        f"\n    set  recipe:  to one of them"
    )


def own_word(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a config.json says to these readers; empty for vendors' checkpoints."""
    said = config.get("treewright")
    return said if isinstance(said, Mapping) else {}


def _said(name: str, folder: Path) -> Recipe:
    if name not in RECIPES:
        raise ConfigurationError(
            f"{folder / 'config.json'} names the recipe '{name}', which there is not\n    known: {', '.join(RECIPES)}"
        )
    return RECIPES[name]


def _by_form(config: Mapping[str, Any], folder: Path) -> list[str]:
    for stem, recipe in (("score_module", "metastone-sprm"), ("reward_head", "reasonflux-prm-1.5b")):
        if any((folder / f"{stem}{ending}").is_file() for ending in (".safetensors", ".pt")):
            return [recipe]
    names = tensor_names(folder)
    if "v_head.summary.weight" in names:
        return ["skywork-o1-prm"]
    if "score_head.weight" in names:
        return ["reasoneval", "reasoneval-redundancy"]
    if "score.0.weight" in names or "score.weight" in names:
        process = any("ProcessReward" in str(name) for name in config.get("architectures") or ())
        linear = ["pure", "pure-prm800k", "trl"]
        return ["qwen2.5-math-prm", "reasonflux-prm-7b"] if process else linear
    return ["math-shepherd", "rlhflow-prm", "rlhflow-orm", "implicit-prm", "implicit-prm-single"]
