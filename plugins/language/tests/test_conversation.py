"""How a request becomes a conversation."""

import hashlib

import pytest

from treewright_language.conversation import messages_of
from treewright_registry import (
    Blob,
    CallFailed,
    Context,
    Hit,
    Problem,
    ProposeRequest,
    Step,
    Text,
    Trajectory,
)

PIXELS = b"\x89PNG"
IMAGE = Blob(hashlib.sha256(PIXELS).hexdigest(), "image/png")


class Pixels:
    def get(self, blob):
        return PIXELS


def messages(prompt="2 + 3?", steps=(), context=Context(), instruction="", blobs=None):  # noqa: B008
    trajectory = Trajectory(Problem("p", prompt))
    for step in steps:
        trajectory = trajectory.extend(Step(step))
    return messages_of(ProposeRequest(trajectory, 1, 0, context=context), instruction, "Go on.", blobs)


def test_a_bare_problem_is_one_user_message_with_the_prompt_as_it_is():
    assert messages() == [{"role": "user", "content": "2 + 3?"}]


def test_the_policys_instruction_is_the_system_message():
    assert messages(instruction="Be brief.") == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "2 + 3?"},
    ]


def test_a_json_prompt_is_shown_as_json():
    assert messages(prompt={"numbers": [2, 3]}) == [{"role": "user", "content": '{"numbers": [2, 3]}'}]


def test_steps_are_one_assistant_message_and_a_request_to_go_on():
    assert messages(steps=["First.\n\n", "Then.\n\n"]) == [
        {"role": "user", "content": "2 + 3?"},
        {"role": "assistant", "content": "First.\n\nThen.\n\n"},
        {"role": "user", "content": "Go on."},
    ]


def test_a_requests_own_instruction_ends_the_first_message():
    context = Context(instruction="Answer in words.")
    assert messages(context=context) == [{"role": "user", "content": "2 + 3?\n\nAnswer in words."}]


def test_a_requests_own_instruction_takes_the_place_of_going_on():
    made = messages(steps=["It is 6."], context=Context(instruction="Criticise this."))
    assert made[-1] == {"role": "user", "content": "Criticise this."}


def test_retrieved_records_stand_before_the_prompt_best_first():
    hits = (Hit("a", "1 + 3 = 4", 0.9), Hit("b", {"sum": 5}, 0.5))
    assert messages(context=Context(hits=hits)) == [
        {
            "role": "user",
            "content": 'Retrieved records, best first:\n\n[1] 1 + 3 = 4\n\n[2] {"sum": 5}\n\nProblem:\n\n2 + 3?',
        }
    ]


def test_images_travel_as_data_urls():
    assert messages(prompt=(Text("What is this?"), IMAGE), blobs=Pixels()) == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
            ],
        }
    ]


def test_an_image_without_a_blob_store_is_refused():
    name = f"image/png {IMAGE.sha256[:8]}"
    with pytest.raises(CallFailed) as refused:
        messages(prompt=(IMAGE,))
    assert str(refused.value) == (
        f"the prompt holds an image ({name}), and there is no blob store; run it with --out DIR"
    )


def test_a_blob_that_is_no_image_is_refused():
    sound = Blob(IMAGE.sha256, "audio/wav")
    with pytest.raises(CallFailed, match=r"a blob \(audio/wav [0-9a-f]{8}\) that is no image"):
        messages(prompt=(sound,), blobs=Pixels())


def test_an_image_in_a_step_is_refused():
    with pytest.raises(CallFailed, match="step 2 holds an image, which no assistant message can carry"):
        messages(steps=["one", (Text("two"), IMAGE)], blobs=Pixels())


EARLIER = [{"role": "user", "content": "1 + 1?"}, {"role": "assistant", "content": "2"}]


def test_a_prompt_that_is_a_conversation_is_taken_turn_by_turn():
    turns = [*EARLIER, {"role": "user", "content": "2 + 3?"}]
    assert messages(prompt={"messages": turns}) == turns
    assert messages(prompt={"messages": turns}, instruction="Be brief.", steps=["5"])[:-1] == [
        {"role": "system", "content": "Be brief."},
        *turns,
        {"role": "assistant", "content": "5"},
    ]


def test_a_conversations_own_system_message_takes_the_place_of_the_instruction():
    turns = [{"role": "system", "content": "Judge."}, {"role": "user", "content": "2 + 3 = 6"}]
    assert messages(prompt={"messages": turns}, instruction="Solve.") == turns


@pytest.mark.parametrize(
    ("turns", "what"),
    [
        (EARLIER, "does not end with a user's message"),
        ([], "does not end with a user's message"),
        ("hello", "needs a role"),
        ([{"role": "root", "content": "x"}], "needs a role"),
        ([{"role": "user", "content": ["x"]}], "needs a role"),
        ([{"role": "user"}], "needs a role"),
    ],
)
def test_a_conversation_that_is_none_is_refused(turns, what):
    with pytest.raises(CallFailed, match=what):
        messages(prompt={"messages": turns})


def test_other_prompts_with_messages_in_them_are_shown_as_json():
    assert messages(prompt={"messages": [], "n": 1})[0]["content"] == '{"messages": [], "n": 1}'
