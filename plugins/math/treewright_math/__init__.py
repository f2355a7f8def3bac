"""Mathematics: language-model policies on word problems, process reward models, retrieval.

Importing this package loads neither torch nor transformers; its modules do that when they are used.
"""

from treewright_registry import Collector, hookimpl

TREEWRIGHT_API = "1"


@hookimpl
def treewright_register(registry: Collector) -> None:
    """Declare the components and pipelines of the domain."""
    for name, target, summary in BENCHMARKS:
        registry.task(name, f"treewright_math.benchmarks.{target}", summary=summary)
    registry.task("recorded", "treewright_math.recorded.task:RecordedTask", summary="stored solutions, selected from")
    registry.policy("recorded", "treewright_math.recorded.policy:RecordedPolicy", summary="replays stored solutions")
    registry.scorer(
        "recorded-score", "treewright_math.recorded.score:RecordedScore", summary="the reward stored with a solution"
    )
    for name, summary in PIPELINES.items():
        registry.pipeline(name, f"treewright_math:pipelines/{name}.yaml", summary=summary)


BENCHMARKS = (
    ("gsm8k", "gsm8k:Gsm8k", "grade-school word problems"),
    ("math500", "math500:Math500", "500 competition problems of MATH"),
    ("svamp", "svamp:Svamp", "elementary word problems with changed wording"),
    ("mawps", "mawps:Mawps", "four older sets of elementary word problems"),
    ("olympiadbench", "olympiadbench:OlympiadBench", "olympiad problems, text only"),
    ("aime", "aime:Aime", "AIME: whole numbers from 0 to 999"),
)

PIPELINES: dict[str, str] = {
    "recorded": "stored solutions of a file (task.path), the best-rewarded one wins",
}
