"""What the process says when it ends."""

DONE = 0
FAILED = 1  # a run with failed problems, a failed check, or an unexpected error
WRONG = 2  # configuration or usage
INTERRUPTED = 130  # resumable
