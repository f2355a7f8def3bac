"""Progress of a build: sparse lines in a pipe, one moving line on a terminal."""

import io

from treewright.cli.kb_progress import StageLines


class Terminal(io.StringIO):
    def isatty(self):
        return True


def told(out, *calls):
    now = [0.0]
    lines = StageLines(out, clock=lambda: now[0])
    for seconds, *call in calls:
        now[0] = seconds
        lines(*call)
    return out.getvalue()


def test_a_pipe_gets_a_line_per_stage_every_two_seconds_and_at_the_end():
    calls = [(1, "cut", 5), (1.5, "cut", 9), (3, "cut", 4000), (3, "encode", 1, 20), (3.1, "encode", 20, 20)]
    assert told(io.StringIO(), *calls) == (
        "cut: 5 records, 1.0 s\n"
        "cut: 4,000 records, 3.0 s\n"
        "encode: 1 of 20 records, 3.0 s\n"
        "encode: 20 of 20 records, 3.1 s\n"
    )


def test_a_terminal_gets_one_line_per_stage_that_moves():
    calls = [(1, "cut", 5), (1.1, "cut", 6), (2, "cut", 9), (3, "encode", 20, 20), (4, "check", 1, 2)]
    assert told(Terminal(), *calls) == (
        "\r\x1b[Kcut: 5 records, 1.0 s"
        "\r\x1b[Kcut: 9 records, 2.0 s"
        "\nencode: 20 of 20 records, 3.0 s\n"
        "\r\x1b[Kcheck: 1 of 2 records, 4.0 s"
    )


def test_the_time_left_is_told_at_the_pace_of_the_stage_where_the_end_is_known():
    calls = [(10, "read", 1000, 9000), (11, "read", 2000, 9000), (14, "read", 3000, 9000), (40, "read", 9000, 9000)]
    assert told(io.StringIO(), *calls) == (
        "read: 1,000 of 9,000 records, 10.0 s\n"
        "read: 3,000 of 9,000 records, 14.0 s, 12.0 s left\n"
        "read: 9,000 of 9,000 records, 40.0 s\n"
    )
