"""Stage 7, fixes: from what a rule says would repair a finding to edits, on a fresh LibCST tree of one file."""
