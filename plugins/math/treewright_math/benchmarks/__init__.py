"""Public benchmarks of final answers, one room each; all of them read the user's own files."""
