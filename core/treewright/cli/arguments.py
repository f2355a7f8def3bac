"""Arguments that several commands share."""

import argparse


def add_pipeline(parser: argparse.ArgumentParser) -> None:
    """The pipeline to work on."""
    parser.add_argument("pipeline", metavar="PIPELINE|FILE", help="name of a pipeline, or path of a .yaml file")


def add_settings(parser: argparse.ArgumentParser, *, effort: bool = True) -> None:
    """``--set`` and ``--effort``."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="A.B=C",
        help="set one value, e.g. search.width=8; may be repeated",
    )
    if effort:
        parser.add_argument("--effort", choices=("low", "medium", "high"), help="an effort level of the pipeline")


def positive(text: str) -> int:
    """A whole number above 0, for argparse."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive whole number")
    return number
