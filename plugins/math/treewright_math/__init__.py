"""Mathematics: language-model policies on word problems, process reward models, retrieval.

Importing this package loads neither torch nor transformers; its modules do that when they are used.
"""

from treewright_registry import Collector, hookimpl

TREEWRIGHT_API = "1"


@hookimpl
def treewright_register(registry: Collector) -> None:
    """Declare the components and pipelines of the domain."""
    for name, summary in PIPELINES.items():
        registry.pipeline(name, f"treewright_math:pipelines/{name}.yaml", summary=summary)


PIPELINES: dict[str, str] = {}
