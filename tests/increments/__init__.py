"""Random edits of programs: what a run finds that goes by an earlier one, and what one finds that knows nothing."""
