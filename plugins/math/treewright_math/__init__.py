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
    registry.task(
        "questions", "treewright_math.benchmarks.questions:Questions", summary="questions of one's own, graded or not"
    )
    registry.task("recorded", "treewright_math.recorded.task:RecordedTask", summary="stored solutions, selected from")
    registry.policy("recorded", "treewright_math.recorded.policy:RecordedPolicy", summary="replays stored solutions")
    registry.scorer(
        "recorded-score", "treewright_math.recorded.score:RecordedScore", summary="the reward stored with a solution"
    )
    registry.search(
        "replay", "treewright_math.recorded.replay:Replay", summary="stored solutions with their stored rewards"
    )
    registry.aggregator(
        "best-or-majority",
        "treewright_math.recorded.best_or_majority:BestOrMajority",
        summary="the highest score wins; without any score the most frequent answer",
    )
    for name, target, summary in STEP_BENCHMARKS:
        registry.task(name, f"treewright_math.verification.{target}", summary=summary)
    registry.policy(
        "given-steps", "treewright_math.verification.given_steps:GivenSteps", summary="replays a given solution's steps"
    )
    registry.search(
        "judge-steps", "treewright_math.verification.judge_steps:JudgeSteps", summary="scores each step of a solution"
    )
    registry.scorer(
        "recorded-step-scores",
        "treewright_math.verification.recorded_step_scores:RecordedStepScores",
        summary="step scores that are stored beside the steps",
    )
    registry.scorer(
        "prm",
        "treewright_math.reward_readers.scorer:PrmScorer",
        summary="process and outcome reward models of many vendors, one pass over all steps",
    )
    registry.scorer(
        "generative-prm",
        "treewright_math.generative_readers.scorer:GenerativePrm",
        summary="a language model reviews each step in writing and judges it (GenPRM, ThinkPRM)",
    )
    registry.task(
        "embedded",
        "treewright_math.embedded_world.task:EmbeddedTask",
        summary="word problems of the embedded world, every step checked exactly",
    )
    registry.trainer(
        "embedded",
        "treewright_math.embedded_world.trainer:EmbeddedTrainer",
        summary="embedded language models (target, draft) and process reward model, from scratch",
    )
    registry.knowledge_base(
        "problems", "treewright_math.retrieval.problems:Problems", summary="worked problems or solution steps, by text"
    )
    registry.retriever(
        "similar-problems",
        "treewright_math.retrieval.similar_problems:SimilarProblems",
        summary="worked problems or solution steps near to a text, never the problem itself",
    )
    registry.retriever(
        "known-facts",
        "treewright_math.retrieval.known_facts:KnownFacts",
        summary="facts (definitions, units, formulas) whose terms stand in a text",
    )
    registry.policy(
        "r2-policy",
        "treewright_math.r2.policy:R2Policy",
        summary="a policy that is shown similar worked problems and analogous steps (R2-LLMs)",
    )
    registry.scorer(
        "r2-scorer",
        "treewright_math.r2.scorer:R2Scorer",
        summary="a reward model that is shown the same similar problems",
    )
    registry.trainer(
        "text-encoder",
        "treewright_math.text_encoder.trainer:TextEncoderTrainer",
        summary="embedded text encoder of problems and solution steps",
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

STEP_BENCHMARKS = (
    ("processbench", "processbench:ProcessBench", "first wrong steps of models' solutions"),
    ("prmbench", "prmbench:PrmBench", "nine kinds of errors put into solutions"),
    ("mr-gsm8k", "mr_gsm8k:MrGsm8k", "wrong grade-school solutions, with Math-Shepherd's step scores"),
)

PIPELINES: dict[str, str] = {
    "answer": "your own questions (--input FILE), the most frequent answer of n wins",
    "recorded": "stored solutions of a file (task.path): the best-rewarded one, without rewards the majority",
    "judge-steps": "first wrong steps by step scores of a file (task.path)",
    "processbench": "ProcessBench by a process reward model (scorer.model)",
    "prmbench": "PRMBench by a process reward model (scorer.model)",
    "r2": "tree search with retrieval of similar problems and analogous steps (R2-LLMs)",
    "mcts": "tree search over steps, guided by a process reward model",
    "beam": "beam search over steps, guided by a process reward model",
    "best-of-n": "n solutions, the one that the process reward model likes best wins",
    "greedy": "one solution, always the likeliest token",
    "majority": "n solutions, the most frequent answer wins",
    "specs": "speculative drafts of a small model, weighed by the large one and the reward (SPECS)",
    "gsi": "soft best-of-n of the large model from drafts of the small one (GSI)",
    "rsd": "draft steps kept by reward, else the large model's (RSD)",
    "mr-gsm8k": "first wrong steps by Math-Shepherd's stored scores",
}
