"""What is said of mistakes in options and limits: the full text of each."""
# ruff: noqa: E501  messages stand here as they are printed

import pytest

from tests.configuration.parts import GOOD, complaint

CASES = {
    "unknown option": (
        GOOD.replace("toy/rules", "toy/rules, sanitise: false"),
        (),
        """\
p.yaml:3:26: toy/rules: unknown option 'sanitise'; did you mean 'sanitize'? (bool = true)""",
    ),
    "unknown option without likeness": (
        GOOD.replace("toy/rules", "toy/rules, zzz: 1"),
        (),
        """\
p.yaml:3:26: toy/rules: unknown option 'zzz'
    known options: mode ('strict' | 'lax' = 'strict'), sanitize (bool = true)""",
    ),
    "mistyped option": (
        GOOD.replace("toy/fill", "toy/fill, width: three"),
        (),
        """\
p.yaml:2:32: toy/fill: option 'width' must be int, not text 'three'""",
    ),
    "number in quotes": (
        GOOD.replace("toy/fill", "toy/fill, width: '3'"),
        (),
        """\
p.yaml:2:32: toy/fill: option 'width' must be int, not text '3'""",
    ),
    "yaml 1 1 boolean": (
        GOOD.replace("toy/rules", "toy/rules, sanitize: no"),
        (),
        """\
p.yaml:3:36: toy/rules: option 'sanitize' must be bool, not text 'no'""",
    ),
    "value out of a choice": (
        GOOD.replace("core/beam", "core/beam, rule: ucb"),
        (),
        """\
p.yaml:4:32: core/beam: option 'rule' must be 'uct' | 'puct', not text 'ucb'""",
    ),
    "mistyped inside a list": (
        GOOD.replace("toy/fill", "toy/fill, marks: [a, 3]"),
        (),
        """\
p.yaml:2:36: toy/fill: option 'marks' (tuple[str, …]): input should be a valid string, not 3""",
    ),
    "mistyped deep inside": (
        GOOD.replace("toy/toy", "toy/toy, options: {a: [1, x]}"),
        (),
        """\
p.yaml:1:39: toy/toy: option 'options' (dict[str, list[int]] | null): input should be a valid integer, not text 'x'""",
    ),
    "required option": (
        GOOD.replace("toy/toy", "toy/lines"),
        (),
        """\
p.yaml:1:13: toy/lines: option 'path' is required (str)""",
    ),
    "unknown top key": (
        GOOD + "serch: {}\n",
        (),
        """\
p.yaml:5:1: unknown key 'serch'
    did you mean 'search'?
    known keys: extends, name, summary, task, policy, scorer, retriever, search, aggregator, budget, seed, live, effort, versions""",
    ),
    "no budget": (
        GOOD.replace("core/beam", "core/endless"),
        (),
        """\
p.yaml:4:15: search 'core/endless' would never end: the pipeline has no budget
    add  budget: {candidates: 64}
    or set search.iterations""",
    ),
    "unknown counter": (
        GOOD + "budget: {candidate: 3}\n",
        (),
        """\
p.yaml:5:10: unknown budget counter 'candidate'
    did you mean 'candidates'?
    known counters: calls, candidates, reward_calls, failed_calls, prompt_tokens, generated_tokens, scored_tokens, inner_evaluations, cached_calls, seconds""",
    ),
    "budget not positive": (
        GOOD + "budget: {calls: 0}\n",
        (),
        """\
p.yaml:5:17: budget 'calls' must be a positive number, not 0
    leave the counter out for no limit""",
    ),
    "budget not a mapping": (
        GOOD + "budget: 64\n",
        (),
        """\
p.yaml:5:9: 'budget' must be a mapping of counter to limit, not 64
    write  budget: {candidates: 64}""",
    ),
    "seed not whole": (
        GOOD + "seed: 1.5\n",
        (),
        """\
p.yaml:5:7: 'seed' must be a whole number from -9223372036854775807 to 9223372036854775807, not 1.5""",
    ),
    "live zero": (
        GOOD + "live: 0\n",
        (),
        """\
p.yaml:5:7: 'live' must be a whole number from 1 to 1000000, not 0""",
    ),
    "call unknown": (
        GOOD.replace("toy/fill", "toy/fill, call: {bach: 3}"),
        (),
        """\
p.yaml:2:32: toy/fill: call: unknown option 'bach'; did you mean 'batch'? (int = 64)""",
    ),
    "call out of range": (
        GOOD.replace("toy/fill", "toy/fill, call: {batch: 0, deadline: -1}"),
        (),
        """\
p.yaml:2:39: toy/fill: call: option 'batch' must be positive, not 0
p.yaml:2:52: toy/fill: call: option 'deadline' must be positive, not -1""",
    ),
    "call of a search": (
        GOOD.replace("core/beam", "core/beam, call: {deadline: 3}"),
        (),
        """\
p.yaml:4:32: core/beam: 'call' has no effect here
    write it in the block of the policy, scorer or retriever that is to be limited""",
    ),
    "call of a composite component": (
        GOOD.replace(
            "{use: toy/rules}",
            "{scorer: {use: toy/rules}, main: {use: toy/judge, call: {deadline: 3}, roles: {judge: policy}}}",
        ),
        (),
        """\
p.yaml:3:65: toy/judge: 'call' has no effect here
    it runs in place and calls role 'policy' and 'look-up'; write  call  in the block of that role""",
    ),
    "call of a task": (
        GOOD,
        ("task.call.batch=3",),
        """\
--set task.call.batch=3: toy/toy: 'call' has no effect here
    write it in the block of the policy, scorer or retriever that is to be limited""",
    ),
    "call for another sort of component": (
        GOOD.replace("toy/fill", "toy/fill, call: {concurrency: 3, rate: 60}"),
        (),
        """\
p.yaml:2:32: toy/fill: call: option 'concurrency' has no effect: the component is synchronous
    for synchronous components: batch, deadline
p.yaml:2:48: toy/fill: call: option 'rate' has no effect: the component is synchronous
    for synchronous components: batch, deadline""",
    ),
    "value that a constructor refuses": (
        GOOD.replace("core/beam", "core/beam, rule: uct, width: 0"),
        (),
        """\
p.yaml:4:44: core/beam cannot be built: ValueError: width must be at least 1, not 0""",
    ),
    "value from outside that a constructor refuses": (
        GOOD,
        ("search.width=0",),
        """\
--set search.width=0: core/beam cannot be built: ValueError: width must be at least 1, not 0""",
    ),
    "refused values that the message does not name": (
        GOOD + "aggregator: {use: core/vote, ties: none}\n",
        (),
        """\
p.yaml:5:19: core/vote cannot be built: ValueError: there is no such rule""",
    ),
    "several at once": (
        GOOD.replace("toy/fill", "toy/fill, width: x, temprature: 1").replace("core/beam", "core/beem"),
        ("seed=-x",),
        """\
p.yaml:2:32: toy/fill: option 'width' must be int, not text 'x'
p.yaml:2:35: toy/fill: unknown option 'temprature'; did you mean 'temperature'? (float = 1.0)
p.yaml:4:15: search 'core/beem' is not registered
    did you mean 'core/beam'?
    known searches: core/beam, core/draft, core/endless, core/outcomes
--set seed=-x: 'seed' must be a whole number from -9223372036854775807 to 9223372036854775807, not text '-x'""",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_in_options_is_explained(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, settings, expected = CASES[name]
    assert complaint(text, settings) == expected
