"""Test suites of released packages, before and after fixing."""
