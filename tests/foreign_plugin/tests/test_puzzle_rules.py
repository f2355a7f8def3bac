import pytest

from treewright import DataError, Problem, RetrieveRequest, ScoreRequest, Step, Trajectory
from treewright_puzzle import expressions
from treewright_puzzle.exact import is_solvable, nearest, solutions
from treewright_puzzle.judging import judge
from treewright_puzzle.puzzle import Puzzle, PuzzleCodec, find_puzzle
from treewright_puzzle.rules import Rules
from treewright_puzzle.solved import Solved, examples
from treewright_puzzle.task import Countdown

PUZZLE = Puzzle((5, 5, 5, 1), 24, True)


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ((5, 5, 5, 1), ("(5*(5-(1/5)))",)),
        ((8, 8, 3, 3), ("(8/(3-(8/3)))",)),
        ((7, 7, 4, 4), ("(7*(4-(4/7)))",)),
        ((6, 4, 3, 1), ("(6/(1-(3/4)))",)),
        ((1, 1, 1, 1), ()),
    ],
)
def test_solver_finds_exactly_the_known_solutions_of_24(numbers, found):
    assert solutions(Puzzle(numbers, 24, True)) == found
    assert is_solvable(Puzzle(numbers, 24, True)) is bool(found)


def test_nearest_is_the_smallest_distance_that_any_expression_has():
    assert nearest(Puzzle((1, 1, 1, 1), 24, True)) == 20
    assert nearest(PUZZLE) == 0


@pytest.mark.parametrize(
    "hostile",
    [
        "__import__('os').system('true')", "9**9**9**9", "(" * 200 + "1", "1" * 400, "5/(5-5)", "", "٣+1",
        "5*(5-1/5", "5 5", "-5", "5+5+5+1+5", "5*5-1", "1e9", "[x for x in ()]", "99999999999",
    ],
)  # fmt: skip
def test_hostile_or_wrong_text_is_graded_invalid(hostile):
    assert judge(PUZZLE, hostile) == (False, {"valid": 0.0})


def test_right_and_wrong_answers_are_graded_exactly():
    assert judge(PUZZLE, "5 × (5 − 1÷5)") == (True, {"valid": 1.0, "distance": 0.0, "numbers_used": 4.0})
    assert judge(PUZZLE, "5*5-1*5") == (False, {"valid": 1.0, "distance": 4.0, "numbers_used": 4.0})


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("3*8", "8*3", True),
        ("9-(4-2)", "(2+9)-4", True),
        ("8/(2/3)", "3*8/2", True),
        ("2+2", "2*2", False),
        ("3*1", "3/1", False),
    ],
)
def test_canonical_form_forgets_order_and_grouping_only(one, two, same):
    task = Countdown()
    assert (task.canonical(one) == task.canonical(two)) is same


def test_shown_expression_is_read_back():
    expression = expressions.parse("8/(3-8/3)")
    assert expressions.parse(expressions.show(expression)) == expression
    assert expressions.value(expression) == 24


def test_generated_problems_are_solvable_and_none_is_a_solved_example():
    task = Countdown(difficulty="easy", count=30)
    shipped = {example.puzzle for example in examples()}
    puzzles = [PuzzleCodec().decode(problem.metadata) for problem in task.problems()]
    assert all(is_solvable(puzzle) for puzzle in puzzles)
    assert not shipped.intersection(puzzles)
    assert [find_puzzle(puzzle.prompt) for puzzle in puzzles] == puzzles


def test_shipped_examples_are_solved():
    task = Countdown()
    for example in examples():
        trajectory = Trajectory(Problem("p", "")).extend(Step(example.solution))
        assert judge(example.puzzle, task.extract(trajectory)).correct


def test_nearest_example_of_an_example_is_itself():
    example = examples()[50]
    [hits] = Solved().retrieve([RetrieveRequest(example.puzzle.prompt, 3)])
    assert (hits[0].id, hits[0].similarity, len(hits)) == (example.id, 1.0, 3)


def test_own_puzzles_name_file_line_and_field(tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text('{"numbers": [3, 8], "target": 24}\n{"numbers": [3, 0], "target": 24}\n')
    with pytest.raises(DataError) as caught:
        Countdown(path=str(path)).problems()
    complaint = "field 'numbers' must hold whole numbers from 1 to 1000000, not 0"
    assert str(caught.value) == f"{path}:2: {complaint}"


def test_rules_are_exact_for_two_numbers_and_certain_of_finished_answers():
    root = Trajectory(Problem("p", PUZZLE.prompt, PUZZLE.metadata))
    good = root.extend(Step("1 / 5 = 1/5 (left: 5 5 1/5)\n")).extend(Step("5 - 1/5 = 24/5 (left: 5 24/5)\n"))
    won = good.extend(Step("5 * 24/5 = 24 (left: 24)\nanswer: 5 * (5 - (1 / 5)) = 24\n", finish="stop"))
    lost = root.extend(Step("answer: 5 * 5 - 1 = 24\n", finish="stop"))
    scores = Rules().score([ScoreRequest(item, 0) for item in (good, won, lost)])
    assert [score.value for score in scores] == [1.0, 1.0, 0.0]
    assert scores[1].steps[1:] == (1.0, 1.0)
