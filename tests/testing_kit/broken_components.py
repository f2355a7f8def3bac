"""One component for each check that breaks exactly its rule."""

from tests.testing_kit.parts import PROBLEMS, GoodPolicy, GoodRetriever, GoodScorer, GoodTask
from treewright_registry import Hit, Problem, Proposals, Score, Verdict


class TwoResultsForTheFirst(GoodRetriever):
    """Too long only for the whole batch, and the surplus stands at the end."""

    def retrieve(self, requests):
        results = super().retrieve(requests)
        return results + results[:1] if len(requests) > 1 else results


class SpeaksUnasked(GoodScorer):
    def score(self, requests):
        return super().score(requests) or [Score(0.5)]


class CountsItsCalls(GoodPolicy):
    """Different in each call of the whole batch, the same when the batch is turned or cut."""

    calls = 0

    def propose(self, requests):
        if len(requests) > 1 and requests[0].seed == 0:
            self.calls += 1
        return super().propose(requests)

    def step(self, request, index):
        noise = self.calls if self.calls == 2 else 0
        return super().step(request, index)._replace(tokens=1 + noise)


class SortsTheBatch(GoodScorer):
    """Forgets to put results back, but only if the batch came backwards."""

    def score(self, requests):
        return super().score(sorted(requests, key=lambda request: request.seed))


class LooksAtItsNeighbours(GoodScorer):
    def score(self, requests):
        scores = super().score(requests)
        return [Score(score.value / len(requests)) for score in scores]


class OneTooMany(GoodPolicy):
    def one(self, request):
        return Proposals([self.step(request, index) for index in range(request.n + 1)])


class OddFinish(GoodPolicy):
    def step(self, request, index):
        return super().step(request, index)._replace(finish="end")


class KeepsItsProbability(GoodPolicy):
    def step(self, request, index):
        return super().step(request, index)._replace(log_probability=None)


class NoLink(GoodScorer):
    link = "percent"


class Infinite(GoodScorer):
    def one(self, request):
        return Score(float("inf"))


class OutOfRange(GoodScorer):
    def value(self, request):
        return super().value(request) + 1.5


class TooManyStepScores(GoodScorer):
    def one(self, request):
        return Score(0.5, (0.5,) * (request.trajectory.depth + 1))


class OneHitTooMany(GoodRetriever):
    def one(self, request):
        return super().one(request._replace(k=request.k + 1))


class WorstFirst(GoodRetriever):
    def one(self, request):
        return super().one(request)[::-1]


class Nameless(GoodRetriever):
    def one(self, request):
        return [Hit("", "text", 1.0)]


class SameIds(GoodTask):
    def problems(self):
        return iter([PROBLEMS[0], Problem("p0", "again", {})])


class NewEachTime(GoodTask):
    calls = 0

    def problems(self):
        self.calls += 1
        return iter([Problem(f"p{number}-{self.calls}", "say") for number in range(4)])


class GoldByName(GoodTask):
    def problems(self):
        return iter([Problem("p0", "say", {"answer": "hidden"}), Problem("p1", "say", {"answer": "too"})])


class GoldByValue(GoodTask):
    def problems(self):
        return iter([Problem(f"p{number}", "say", {"note": f"{number}p"}) for number in range(3)])


class SilenceIsRight(GoodTask):
    def grade(self, problem_id, answer):
        return Verdict(answer is None or super().grade(problem_id, answer).correct)


BROKEN = {
    ("retriever", "check_one_result_per_request"): TwoResultsForTheFirst,
    ("scorer", "check_empty_batch"): SpeaksUnasked,
    ("policy", "check_same_request_same_result"): CountsItsCalls,
    ("scorer", "check_order_of_the_batch"): SortsTheBatch,
    ("scorer", "check_batch_equals_one_by_one"): LooksAtItsNeighbours,
    ("policy", "check_at_most_n_steps"): OneTooMany,
    ("policy", "check_steps_are_well_formed"): OddFinish,
    ("policy", "check_declared_log_probability"): KeepsItsProbability,
    ("scorer", "check_declarations"): NoLink,
    ("scorer", "check_scores_are_finite"): Infinite,
    ("scorer", "check_scores_in_range"): OutOfRange,
    ("scorer", "check_one_score_per_step"): TooManyStepScores,
    ("retriever", "check_at_most_k_hits"): OneHitTooMany,
    ("retriever", "check_best_hit_first"): WorstFirst,
    ("retriever", "check_hits_have_ids"): Nameless,
    ("task", "check_problem_ids_are_unique"): SameIds,
    ("task", "check_problems_are_the_same_each_time"): NewEachTime,
    ("task", "check_no_gold_by_name"): GoldByName,
    ("task", "check_no_gold_by_grading"): GoldByValue,
    ("task", "check_no_answer_is_wrong"): SilenceIsRight,
}
