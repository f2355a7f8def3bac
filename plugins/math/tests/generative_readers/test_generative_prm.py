"""Scorer math/generative-prm within the engine: with scripted critics, and with a real tiny language model."""

import math
from typing import ClassVar

import pytest
import torch
from plugins.math.tests.reward_readers.tiny_checkpoints import CHATML, make_causal_lm, make_config, make_tokenizer

from treewright import load_pipeline, run_pipeline
from treewright_language.conversation import messages_of
from treewright_math.generative_readers.thinkprm import THINKPRM
from treewright_registry import (
    CallFailed,
    Capability,
    ConfigurationError,
    Likelihood,
    Need,
    Problem,
    Proposals,
    Registry,
    Step,
    Usage,
    Verdict,
    as_text,
)

PROBLEM = "What is 3 + 4?"
ANSWERS = [["3 + 4 = 7.\n\n", "So 7.\n\nYes."], ["It is 9."], ["\n\n"]]


class OneProblem:
    has_references = False

    def problems(self):
        return [Problem("p", PROBLEM)]

    def extract(self, trajectory):
        return trajectory.text

    def canonical(self, answer):
        return answer

    def grade(self, problem_id, answer):
        return Verdict(None)


class ScoresGivenAnswers:
    """Has all answers scored in one call, and keeps the scores and what they cost."""

    needs: ClassVar = {"scorer": Need("scorer", frozenset({Capability.STEP_SCORES}))}
    kept: ClassVar = []

    async def search(self, problem, env):
        paths = []
        for steps in ANSWERS:
            path = env.root
            for number, text in enumerate(steps, 1):
                path = path.extend(Step(text, finish="stop" if number == len(steps) else "step"))
            paths.append(path)
        scores = await env.score(paths)
        self.kept[:] = [*scores, env.ledger.as_dict()]
        env.offer(paths[0], scores[0])


class Critic:
    """Answers by ``write(messages, seed)``; verdicts by ``likely(messages, word)``."""

    capabilities: ClassVar = frozenset({Capability.LOG_LIKELIHOOD})
    asked: ClassVar = []
    write: ClassVar = staticmethod(lambda messages, seed: "fine")
    likely: ClassVar = staticmethod(lambda messages, word: -1.0)

    def propose(self, requests):
        return [self._proposals(request) for request in requests]

    def _proposals(self, request):
        messages = messages_of(request, "", None, None)
        type(self).asked.append((messages, request.n, request.sampling))
        steps = []
        for index in range(request.n):
            text = type(self).write(messages, index)
            if text is None:
                raise CallFailed("the critic is asleep")
            steps.append(Step(text, tokens=5, finish="stop"))
        return Proposals(steps)

    def log_likelihood(self, requests):
        found = []
        for request in requests:
            assert (request.sampling.temperature, request.sampling.top_p) == (1.0, 1.0)
            messages = messages_of(request._replace(trajectory=request.trajectory.parent), "", None, None)
            value = type(self).likely(messages, as_text(request.trajectory.step.content))
            reason = "unknown" if math.isnan(value) else None
            found.append(Likelihood(value, 1, reason, Usage(scored_tokens=1)))
        return found


class SilentCritic:
    """Writes the same, and tells no likelihoods."""

    def propose(self, requests):
        return Critic().propose(requests)


def scored(tmp_path, *, critic="my/critic", **options):
    """The scores of the answers, in order, and the ledger."""
    registry = Registry.load()
    registry.add("task", "my/problem", OneProblem)
    registry.add("search", "my/scores", ScoresGivenAnswers)
    registry.add("policy", "my/critic", Critic)
    registry.add("policy", "my/silent", SilentCritic)
    Critic.asked.clear()
    given = "".join(f", {name}: {value}" for name, value in options.items())
    block = critic if critic.startswith("{") else f"{{use: {critic}}}"
    file = tmp_path / "pipeline.yaml"
    file.write_text(
        "task: {use: my/problem}\nsearch: {use: my/scores}\naggregator: {use: core/best}\n"
        f"policy: {{critic: {block}}}\nscorer: {{use: math/generative-prm{given}}}\n"
    )
    run_pipeline(load_pipeline(file, registry=registry), tmp_path / "run")
    *scores, ledger = ScoresGivenAnswers.kept
    return scores, ledger


@pytest.fixture
def critic(monkeypatch):
    def script(write=None, likely=None):
        for name, value in (("write", write), ("likely", likely)):
            if value is not None:
                monkeypatch.setattr(Critic, name, staticmethod(value))

    return script


def test_genprm_reviews_step_by_step_in_one_chat(tmp_path, critic):
    odds = {"3 + 4 = 7.": (-0.1, -3.0), "So 7.": (-2.0, -2.0), "Yes.": (-5.0, -1.0), "It is 9.": (-9.0, -0.01)}

    def likely(messages, word):
        step = messages[-2]["content"].rpartition("\n")[2]
        assert messages[-1]["content"].endswith("good enough </analyze>\n<output>\n**Judgement**: $\\boxed{")
        return odds[step][word != "Yes"]

    critic(lambda messages, seed: "good enough </analyze>\n<verify>\n```python\nimport os\n```", likely)
    (first, second, blank), _ = scored(tmp_path)
    expected = {step: math.exp(yes) / (math.exp(yes) + math.exp(no)) for step, (yes, no) in odds.items()}
    one, two, three = expected["3 + 4 = 7."], expected["So 7."], expected["Yes."]
    assert first.steps == pytest.approx((one, min(two, three)))
    assert first.value == pytest.approx(min(one, two, three))
    assert [second.value, *second.steps] == pytest.approx([expected["It is 9."]] * 2)
    assert blank.reason == "there is no step to judge"
    turns = [[message["role"] for message in messages] for messages, _, _ in Critic.asked]
    assert turns == [
        ["system", "user", "assistant"],
        ["system", "user", "assistant"],
        ["system", "user", "assistant", "user", "assistant"],
        ["system", "user", "assistant", "user", "assistant", "user", "assistant"],
    ]
    last = Critic.asked[-1][0]
    assert last[1]["content"] == f"{PROBLEM}\n3 + 4 = 7."
    assert last[2]["content"] == (
        "<analyze>\nLet's analyze the Paragraph 1 step by step: good enough </analyze>"
        "\n<output>\n**Judgement**: $\\boxed{Yes}$\n</output>\n"
    )  # what the critic wrote behind its analysis, code too, is gone
    assert last[4]["content"].endswith("$\\boxed{Yes}$\n</output>\n")  # a tie
    assert last[5]["content"] == "Yes."
    assert last[6]["content"] == "<analyze>\nLet's analyze the Paragraph 3 step by step: "


def test_reviews_are_averaged_and_the_first_goes_on_in_the_chat(tmp_path, critic):
    chance = {"review 0": 0.9, "review 1": 0.2, "review 2": 0.4}

    def likely(messages, word):
        [value] = [value for name, value in chance.items() if name in messages[-1]["content"]]
        return math.log(value if word == "Yes" else 1 - value)

    critic(lambda messages, index: f"review {index}", likely)
    (first, *_), ledger = scored(tmp_path, samples=3, aggregation="mean")
    assert first.value == pytest.approx(0.5)
    assert all("review 0" in messages[2]["content"] for messages, _, _ in Critic.asked if len(messages) > 3)
    assert [n for _, n, _ in Critic.asked] == [3, 3, 3, 3]
    assert ledger["critic"]["generated_tokens"] == 4 * 3 * 5
    assert ledger["critic"]["scored_tokens"] == 4 * 3 * 2
    assert ledger["critic"]["candidates"] == 0  # a judge does not eat the search's budget


@pytest.mark.parametrize(
    ("yes", "no", "expected"),
    [(-math.inf, -1.0, 0.0), (-1.0, -math.inf, 1.0), (-math.inf, -math.inf, 0.5), (-800.0, -801.0, 0.7310585786)],
)
def test_impossible_and_tiny_verdicts_keep_their_proportion(tmp_path, critic, yes, no, expected):
    critic(likely=lambda messages, word: yes if word == "Yes" else no)
    (first, *_), _ = scored(tmp_path)
    assert first.value == pytest.approx(expected)


def test_a_verdict_that_the_critic_cannot_tell_fails_the_score(tmp_path, critic):
    critic(likely=lambda messages, word: math.nan if "Paragraph 2" in messages[-1]["content"] else -1.0)
    (first, second, _), _ = scored(tmp_path)
    assert first.reason == "the critic gave no verdict on reasoning step 2"
    assert second.value == 0.5


def test_a_critic_that_writes_nothing_fails_the_score(tmp_path, critic):
    critic(lambda messages, seed: None)
    (first, *_), _ = scored(tmp_path)
    assert first.reason == "the critic gave no verdict on reasoning step 1"


@pytest.mark.parametrize(
    ("review", "asked_again", "expected"),
    [
        ("\\boxed{No} at first, but then \\boxed{Yes}$\n</output>", None, 1.0),  # the last verdict counts
        ("\\boxed{yes} I thought; \\boxed{no}", None, 0.0),
        ("hm </analyze>", "Yes}$", 1.0),
        ("hm", " no, never", 0.0),
        ("hm", "Perhaps", 0.5),
    ],
)
def test_verdicts_as_text_need_no_likelihoods(tmp_path, critic, review, asked_again, expected):
    def write(messages, seed):
        return asked_again if messages[-1]["content"].endswith("$\\boxed{") else review

    critic(write)
    (_, second, _), _ = scored(tmp_path, critic="my/silent", reading="text")
    assert second.value == expected
    again = [sampling for messages, _, sampling in Critic.asked if messages[-1]["content"].endswith("$\\boxed{")]
    assert bool(again) == (asked_again is not None)
    assert all((sampling.temperature, sampling.max_tokens) == (0.0, 8) for sampling in again)


def test_a_critic_without_likelihoods_is_refused_before_the_run(tmp_path):
    with pytest.raises(ConfigurationError, match="needs role 'critic' to be able to 'log_likelihood'"):
        scored(tmp_path, critic="my/silent")


def test_thinkprm_asks_once_for_all_steps_and_averages(tmp_path, critic):
    reviews = [
        "Step 1: right \\boxed{correct}\nStep 2: \\boxed{correct} Step 3: \\boxed{incorrect}</think> no",
        "Step 1 \\boxed{correct} Step 2 \\boxed{incorrect}. Is the solution correct? no",
        "\\boxed{correct} \\boxed{correct} \\boxed{correct} \\boxed{correct}",
        "I do not know.",
    ]

    def likely(messages, word):
        content = messages[-1]["content"]
        assert content.startswith("\nLet's verify step by step:")
        assert content.endswith("\nIs the solution correct?")
        assert content.count("Is the solution correct?") == 1
        assert "</think>" not in content
        return {" yes": math.log(0.8), " no": math.log(0.2)}[word]

    critic(lambda messages, index: reviews[index], likely)
    (first, *_), _ = scored(tmp_path, format="thinkprm")
    assert first.value == pytest.approx(0.8)
    second_step = (1 + 0 + 1 + 0.5) / 4
    third_step = (0 + 0.5 + 1 + 0.5) / 4
    assert first.steps == pytest.approx(((1 + 1 + 1 + 0.5) / 4, min(second_step, third_step)))
    [prompt] = Critic.asked[0][0][:1]
    assert PROBLEM in prompt["content"]
    assert "Step 1: 3 + 4 = 7.\nStep 2: So 7.\nStep 3: Yes.\n\nReview and critique" in prompt["content"]
    assert len(Critic.asked) == 2  # one for each answer that has steps
    assert {n for _, n, _ in Critic.asked} == {4}


def test_a_real_language_model_as_critic_gives_what_its_logits_say(tmp_path):
    """Greedy reviews of a tiny random model, and its verdicts, against plain loops over forward passes."""
    folder = tmp_path / "critic"
    tokenizer = make_tokenizer(folder, controls=("<|im_start|>", "<|im_end|>"), template=CHATML)
    model = make_causal_lm(folder, make_config("qwen2", tokenizer, max_position_embeddings=2048))
    block = f"{{use: language/transformers, model: {folder}}}"
    (first, *_), ledger = scored(tmp_path, critic=block, temperature=0.0, max_tokens=9)

    def ids_of(text):
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    @torch.no_grad()
    def logits(ids):
        return model(torch.tensor([ids])).logits[0, -1].double()

    system = "You are a math teacher. Your task is to review and critique the paragraphs in solution step by step."
    text = f"<|im_start|>system\n{system}<|im_end|>\n"
    expected = []
    for number, step in enumerate([f"{PROBLEM}\n3 + 4 = 7.", "So 7.", "Yes."], 1):
        opening = f"<analyze>\nLet's analyze the Paragraph {number} step by step: "
        text += f"<|im_start|>user\n{step}<|im_end|>\n<|im_start|>assistant\n"
        begun = ids_of(text) + ids_of(opening)
        written = []
        for _ in range(9):
            written.append(int(logits(begun + written).argmax()))
        review = tokenizer.decode(written, skip_special_tokens=False).rstrip("\ufffd")  # half a character is left out
        closing = "</analyze>\n<output>\n**Judgement**: $\\boxed{"
        path = begun + ids_of(review + closing)
        sums = []
        for word in ("Yes", "No"):
            total, ids = 0.0, list(path)
            for token in ids_of(word):
                total += float(logits(ids).log_softmax(-1)[token])
                ids.append(token)
            sums.append(total)
        expected.append(1 / (1 + math.exp(sums[1] - sums[0])))
        word = "Yes" if expected[-1] >= 0.5 else "No"
        text += opening + review + closing + word + "}$\n</output>\n<|im_end|>\n"
    assert first.value == pytest.approx(min(expected), abs=1e-4)
    assert first.steps == pytest.approx((expected[0], min(expected[1:])), abs=1e-4)
    assert ledger["critic"]["generated_tokens"] == 4 * 9


def test_thinkprms_verdict_is_the_token_that_question_and_verdict_give_as_one_text(tmp_path):
    """The tokenizer has tokens for a blank with its word, as the published ones have; the authors' text holds them."""
    folder = tmp_path / "critic"
    words = {" yes": 260, " no": 261}
    tokenizer = make_tokenizer(folder, words=words, controls=("<|im_start|>", "<|im_end|>"), template=CHATML)
    model = make_causal_lm(folder, make_config("qwen2", tokenizer, max_position_embeddings=2048))
    block = f"{{use: language/transformers, model: {folder}}}"
    (first, *_), _ = scored(tmp_path, critic=block, format="thinkprm", samples=1, temperature=0.0, max_tokens=9)

    def ids_of(text):
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    @torch.no_grad()
    def logits(ids):
        return model(torch.tensor([ids])).logits[0, -1].double()

    [message] = THINKPRM.conversation(PROBLEM, ["3 + 4 = 7.", "So 7.", "Yes."], [])
    begun = f"<|im_start|>user\n{message['content']}<|im_end|>\n<|im_start|>assistant\n\nLet's verify step by step:"
    written = []
    for _ in range(9):
        written.append(int(logits(ids_of(begun) + written).argmax()))
    review = tokenizer.decode(written, skip_special_tokens=False).rstrip("\ufffd")
    asked = begun + review + "\nIs the solution correct?"
    joint = [ids_of(f"{asked} {word}") for word in ("yes", "no")]
    assert [ids[-1] for ids in joint] == [260, 261]
    assert joint[0][:-1] == joint[1][:-1] == ids_of(asked)
    yes, no = logits(ids_of(asked))[[260, 261]].tolist()
    assert first.value == pytest.approx(1 / (1 + math.exp(no - yes)), abs=1e-4)
