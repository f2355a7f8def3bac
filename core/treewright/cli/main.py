"""``treewright``: the parser, and what becomes of errors."""

import argparse
import errno
import os
import sys
import traceback
from collections.abc import Sequence

from treewright import __version__
from treewright.cli import config_command, kb_command, plugins_command, run_command, train_command
from treewright.cli.exit_codes import FAILED, INTERRUPTED, WRONG
from treewright_registry import ConfigurationError, DataError, PluginError, TreewrightError, UnknownComponent

_EXAMPLES = """\
examples:
  treewright plugins list                         what is installed
  treewright run core/best-of-n --set task.use=…  run a named pipeline
  treewright run my.yaml --limit 10               run a pipeline file on ten problems
  treewright config check my.yaml                 see whether it would run

exit codes: 0 done, 1 done with failed problems, 2 configuration or usage wrong, 130 interrupted
"""

_REPAIRS = {
    errno.ENOSPC: "free space on that disk, or write elsewhere",
    errno.EDQUOT: "your quota on that disk is used up: free space, or write elsewhere",
    errno.EROFS: "that file system can only be read: write elsewhere",
    errno.EACCES: "you may not do that there: change the permissions, or write elsewhere",
    errno.EPERM: "you may not do that there: change the permissions, or write elsewhere",
    errno.EMFILE: "too many open files: raise the limit (ulimit -n), or lower call.concurrency",
}


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS,
        help="show the traceback of an unexpected error (also TREEWRIGHT_DEBUG=1)",
    )
    top = argparse.ArgumentParser(
        prog="treewright",
        description="Make generative models answer better by searching at inference time.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    top.add_argument("--version", action="version", version=f"treewright {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (run_command, plugins_command, config_command, train_command, kb_command):
        command.add_to(commands, common)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = parser().parse_args(arguments)
    debug = getattr(options, "debug", False) or os.environ.get("TREEWRIGHT_DEBUG") == "1"
    try:
        code: int = options.command(options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output left, as ``| head`` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        return _explained(error, debug)


def _explained(error: Exception, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    if isinstance(error, TreewrightError):
        print(error, file=sys.stderr)
        wrong = (ConfigurationError, UnknownComponent, PluginError, DataError)
        return WRONG if isinstance(error, wrong) else FAILED
    if isinstance(error, OSError) and error.errno in _REPAIRS:
        print(_storage(error), file=sys.stderr)
        return FAILED
    said = " ".join(str(error).split()) or "no further message"
    print(f"unexpected {type(error).__name__}: {said}", file=sys.stderr)
    if not debug:
        print("    see where it happened: repeat the command with --debug", file=sys.stderr)
    return FAILED


def _storage(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror}\n    {_REPAIRS[error.errno or 0]}"


if __name__ == "__main__":
    sys.exit(main())
