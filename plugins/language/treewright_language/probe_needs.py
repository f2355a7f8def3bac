"""What the options of ``language/openai`` need of a server, and what to set where it is not there."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from treewright_language.endpoint_probe import Finding
    from treewright_language.openai_policy import OpenAIPolicy


def missing(policy: "OpenAIPolicy", findings: "Mapping[str, Finding]") -> list[str]:
    """A line for each need that the server was seen not to meet, with its remedy."""
    return [
        f"{option} needs {ability}; {remedy}"
        for option, ability, remedy in _needs(policy, findings)
        if findings[ability].can is False
    ]


def _needs(policy: "OpenAIPolicy", findings: "Mapping[str, Finding]") -> Iterator[tuple[str, str, str]]:
    """Option as written, what it needs, what to set instead."""
    other = "completions" if policy.api == "chat" else "chat"
    remedy = f"set  api: {other}" if findings[other].can else "check base_url, and whether it lists the model"
    yield f"api: {policy.api}", policy.api, remedy
    if not policy.single_samples:
        yield "samples: together", "n", "set  samples: single"
    if policy.logprobs:
        yield "logprobs: true", "logprobs", "set  logprobs: false, or use another server"
    if policy.continuation == "message":
        yield "continuation: message", "continue_final_message", "set  continuation: turn"
    if policy.scoring != "none":
        other = "prompt_logprobs" if policy.scoring == "echo" else "echo"
        remedy = f"set  scoring: {other}" if findings[other].can else "set  scoring: none, or use another server"
        yield f"scoring: {policy.scoring}", policy.scoring, remedy
    if policy.token_ids:
        yield "token_ids: true", "token_ids", "set  token_ids: false"
