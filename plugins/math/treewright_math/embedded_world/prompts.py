"""How a problem and retrieved records stand before the model: exactly as the language policies render them.

The user's message is that of ``treewright_language.conversation``; the chat template is the tokenizer's
own, and is written out here once more so that training needs no template engine (tests compare both).
"""

from collections.abc import Sequence

IM_START, IM_END, END_OF_TEXT, PAD, STEP_MARK = "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|pad|>", "<extra_0>"

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def user_message(problem: str, records: Sequence[str]) -> str:
    """Records, best first, then the problem; the problem alone if there are none."""
    if not records:
        return problem
    numbered = "".join(f"[{number}] {record}\n\n" for number, record in enumerate(records, 1))
    return f"Retrieved records, best first:\n\n{numbered}Problem:\n\n{problem}"


def prompt(problem: str, records: Sequence[str]) -> str:
    """All that stands before the solution's first token."""
    return chat(user_message(problem, records))


def chat(message: str) -> str:
    """All that stands before the first token of the answer to a user's message."""
    return f"{IM_START}user\n{message}{IM_END}\n{IM_START}assistant\n"


def fact_record(fact: str) -> str:
    """A record that tells a fact."""
    return f"Fact: {fact}"


def worked_record(problem: str, solution: str) -> str:
    """A record that shows a solved problem."""
    return f"{worked_head(problem)}{solution}"


def worked_head(problem: str) -> str:
    """A solved problem's record up to its solution."""
    return f"Problem: {problem}\nSolution:\n"


def step_record(line: str) -> str:
    """A record that shows one step of another problem's solution."""
    return f"Step: {line}"
