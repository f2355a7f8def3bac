"""The README's section on reward models says what the code does."""

import re
from pathlib import Path

import pytest
import yaml

from treewright.configuration.signature import adapter, options_of
from treewright_math.generative_readers.scorer import FORMATS, GenerativePrm
from treewright_math.reward_readers.catalogue import RECIPES
from treewright_math.reward_readers.scorer import PrmScorer

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README[README.index("## Reward models") :].split("\n## ")[0]
SCORERS = {"math/prm": PrmScorer, "math/generative-prm": GenerativePrm}


def test_the_table_lists_every_recipe_with_its_aggregation_and_threshold():
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in SECTION.splitlines() if "| `" in line[:4]
    ]
    table = {
        cells[0].strip("`"): (cells[-2].split()[0], float(cells[-1].split()[0])) for cells in rows if len(cells) == 7
    }
    assert table == {name: (recipe.aggregation, recipe.threshold) for name, recipe in RECIPES.items()}


def test_the_formats_are_listed_with_their_number_of_samples():
    for name, style in FORMATS.items():
        [row] = [line for line in SECTION.splitlines() if line.startswith(f"| `{name}` |")]
        assert f"`samples` ({style.samples})" in row


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", SECTION, re.DOTALL))
def test_the_yaml_blocks_name_options_that_there_are(block):
    scorer = yaml.safe_load(block)["scorer"]
    options = options_of(SCORERS[scorer.pop("use")])
    for name, value in scorer.items():
        adapter(options[name].annotation).validate_python(value)
