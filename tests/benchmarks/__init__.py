"""How fast lockcheck is, and how much memory it needs: `python -m tests.benchmarks`, never part of the tests.

It measures released packages and prints the table of docs/performance.md beside the goals. `tests.benchmarks.profile`
tells where the time of one run goes, `tests.benchmarks.page` puts what was measured into the page.
"""
