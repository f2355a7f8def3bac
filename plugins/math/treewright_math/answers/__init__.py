"""Final answers in texts: finding them, and telling which of them mean the same."""
