"""Language models as policies, shared by the domains.

The entry module of the plugin: it declares components and imports nothing heavy.
"""

from treewright_registry import Collector, hookimpl

TREEWRIGHT_API = "1"


@hookimpl
def treewright_register(registry: Collector) -> None:
    """Declare the back ends for language models."""
    registry.policy(
        "transformers",
        "treewright_language.transformers_policy:TransformersPolicy",
        summary="a local checkpoint, with exact log-probabilities and prefixes computed once",
    )
    registry.policy(
        "openai",
        "treewright_language.openai_policy:OpenAIPolicy",
        summary="chat completions of any OpenAI-compatible server",
    )
