"""The page of `lockcheck graph` in a real browser: `python -m tests.browser`, too heavy for the suite."""
