"""Running a pipeline over a task: records, the run folder, the runner, its progress."""
