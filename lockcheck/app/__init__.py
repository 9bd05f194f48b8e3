"""The program: configuration, reading, extraction in workers, triage, and the pipeline that composes them."""
