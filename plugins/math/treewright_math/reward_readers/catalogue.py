"""All recipes by name. Importing it loads nothing heavy."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from treewright_math.reward_readers.implicit_prm import IMPLICIT_PRM, IMPLICIT_PRM_SINGLE
from treewright_math.reward_readers.likelihood_head import LIKELIHOOD_HEAD
from treewright_math.reward_readers.math_shepherd import MATH_SHEPHERD
from treewright_math.reward_readers.metastone_sprm import METASTONE_SPRM, METASTONE_SPRM_ZH
from treewright_math.reward_readers.qwen_math_prm import QWEN_MATH_PRM
from treewright_math.reward_readers.reasoneval import REASONEVAL, REASONEVAL_REDUNDANCY
from treewright_math.reward_readers.reasonflux import REASONFLUX_1_5B, REASONFLUX_7B
from treewright_math.reward_readers.recipe import Recipe
from treewright_math.reward_readers.rlhflow import RLHFLOW_ORM, RLHFLOW_PRM
from treewright_math.reward_readers.separator_classifiers import PURE, PURE_PRM800K, TRL
from treewright_math.reward_readers.skywork import SKYWORK

RecipeName: TypeAlias = Literal[
    "qwen2.5-math-prm",
    "math-shepherd",
    "rlhflow-prm",
    "rlhflow-orm",
    "skywork-o1-prm",
    "reasonflux-prm-7b",
    "reasonflux-prm-1.5b",
    "metastone-sprm",
    "metastone-sprm-zh",
    "implicit-prm",
    "implicit-prm-single",
    "reasoneval",
    "reasoneval-redundancy",
    "pure",
    "pure-prm800k",
    "trl",
    "likelihood-head",
]

RECIPES: Final[Mapping[str, Recipe]] = {
    recipe.name: recipe
    for recipe in (
        QWEN_MATH_PRM,
        MATH_SHEPHERD,
        RLHFLOW_PRM,
        RLHFLOW_ORM,
        SKYWORK,
        REASONFLUX_7B,
        REASONFLUX_1_5B,
        METASTONE_SPRM,
        METASTONE_SPRM_ZH,
        IMPLICIT_PRM,
        IMPLICIT_PRM_SINGLE,
        REASONEVAL,
        REASONEVAL_REDUNDANCY,
        PURE,
        PURE_PRM800K,
        TRL,
        LIKELIHOOD_HEAD,
    )
}
