"""Whether an answer equals the reference: cheap comparisons first, then math-verify in a process that can be killed."""
