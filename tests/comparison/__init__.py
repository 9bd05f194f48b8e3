"""What other tools say of the same code: `python -m tests.comparison` repeats the figures of docs/comparison.md."""
