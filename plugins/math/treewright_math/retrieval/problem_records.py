"""Known problems as records of a store, and hits as what a policy reads.

A record of level ``problems`` holds ``problem``, ``solution``, ``answer``, ``subject``, ``difficulty``; one of level
``steps`` holds ``problem``, ``steps`` (those before) and ``step``, and ``subject``.
"""

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from treewright_knowledge import Record
from treewright_math.retrieval.problem_rows import KnownProblem
from treewright_math.retrieval.solution_steps import solution_steps
from treewright_math.retrieval.templates import masked_template
from treewright_registry import JSON, Hit

Level: TypeAlias = Literal["problems", "steps"]
Key: TypeAlias = Literal["text", "template"]
Show: TypeAlias = Literal["whole", "step"]


def records_of(known: KnownProblem, level: Level) -> Iterator[Record]:
    """The record of a problem, or one for each step of its solution."""
    if level == "problems":
        content: dict[str, JSON] = {
            "problem": known.problem,
            "solution": known.solution,
            "answer": known.answer,
            "subject": known.subject,
            "difficulty": known.level,
        }
        yield Record(known.name, content, known.place)
        return
    steps = solution_steps(known.solution)
    for number, step in enumerate(steps):
        before: list[JSON] = list(steps[:number])
        facts: dict[str, JSON] = {
            "problem": known.problem, "steps": before, "step": step, "subject": known.subject,
        }  # fmt: skip
        yield Record(f"{known.name}/{number + 1}", facts, known.place)


def key_of(record: Record, key: Key) -> str:
    """The text that a record is found by: that of its step, or else of its problem."""
    fields: Any = record.content
    return keyed(str(fields.get("step") or fields["problem"]), key)


def keyed(text: str, key: Key) -> str:
    """A record's or a query's text as it is compared: as it is, or its template."""
    return masked_template(text) if key == "template" else text


def as_example(hit: Hit, show: Show = "whole") -> Hit:
    """The hit with its content as a text for a prompt; a step with its problem and the steps before it, or alone."""
    fields: Any = hit.content
    if "step" in fields:
        if show == "step":
            return hit._replace(content=f"Step: {fields['step']}")
        before = "".join(f"\n{step}" for step in fields["steps"])
        return hit._replace(content=f"Problem: {fields['problem']}\nSolution:{before}\nKey step: {fields['step']}")
    first = "\n" if "\n" in fields["solution"] else " "  # lines begin on a line of their own
    solution = f"\nSolution:{first}{fields['solution']}" if fields["solution"] else ""
    answer = f"\nAnswer: {fields['answer']}" if fields["answer"] else ""
    return hit._replace(content=f"Problem: {fields['problem']}{solution}{answer}")


def level_of_example(content: str) -> Level | None:
    """The level of a record that ``as_example`` wrote; ``None`` for a text of other making."""
    if content.startswith("Step: ") or (content.startswith("Problem: ") and "\nKey step: " in content):
        return "steps"
    return "problems" if content.startswith("Problem: ") else None


def problem_of(hit: Hit) -> str:
    """The text of the problem that a record belongs to."""
    fields: Any = hit.content
    return str(fields["problem"])
