"""The engine: scheduling, budgets, ledgers, traces; it knows no domain and no file format."""
