"""How lockcheck fares on bugs that were released: `python -m tests.realbugs` repeats the measurement.

It fetches the releases that `testdata/realbugs.toml` names, runs lockcheck on them and compares what it reports with
the record. Nothing fetched is built, imported or executed; the table of docs/realbugs.md comes from here.
"""
