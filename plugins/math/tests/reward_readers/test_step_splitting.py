"""Answers cut into reasoning steps."""

from hypothesis import given
from hypothesis import strategies as st

from treewright_math.reward_readers.layout_parts import numbered
from treewright_math.reward_readers.recipe import Answer
from treewright_math.step_splitting import Piece, per_step, pieces_of


def test_steps_are_cut_at_the_separator_and_remember_their_owner():
    steps = ("One.\n\nTwo.\n\n", "", "  Three,\nstill three. \n\n\n\n", "Four")
    assert pieces_of(steps, "\n\n") == (
        Piece("One.", 0),
        Piece("Two.", 0),
        Piece("  Three,\nstill three.", 2),
        Piece("Four", 3),
    )
    assert pieces_of(steps, "") == (Piece("One.\n\nTwo.", 0), Piece("  Three,\nstill three.", 2), Piece("Four", 3))
    assert pieces_of(("a\nb", "c\n"), "\n") == (Piece("a", 0), Piece("b", 0), Piece("c", 1))


@given(st.lists(st.text(alphabet="ab \n", max_size=12), max_size=5))
def test_no_piece_is_blank_and_no_letter_is_lost(steps):
    pieces = pieces_of(steps, "\n\n")
    assert all(piece.text.strip() for piece in pieces)
    for owner, step in enumerate(steps):
        own = "".join(piece.text for piece in pieces if piece.owner == owner)
        assert own.replace("\n", "").replace(" ", "") == step.replace("\n", "").replace(" ", "")


def test_a_step_without_a_score_takes_that_of_the_step_before():
    assert per_step([0.4, 0.9, 0.2], [1, 1, 3], 5, min) == (0.4, 0.4, 0.4, 0.2, 0.2)
    assert per_step([0.4, 0.2], [1, 3], 4, min, before=0.0) == (0.0, 0.4, 0.4, 0.2)
    assert per_step([], [], 2, min, before=0.0) == (0.0, 0.0)


def test_steps_are_numbered_unless_they_bring_a_number_and_words_like_stepping_are_none():
    texts = ("Stepping back, 3.", "steps are 2.", "Step 3: 4.", "step 4. 5", "So, step 5.", "Step by step: 6.")
    answer = Answer("?", texts, tuple(Piece(text, owner) for owner, text in enumerate(texts)))
    assert numbered(answer) == [
        "Step 1: Stepping back, 3.",
        "Step 2: steps are 2.",
        "Step 3: 4.",
        "step 4. 5",
        "Step 5: So, step 5.",
        "Step 6: Step by step: 6.",
    ]
