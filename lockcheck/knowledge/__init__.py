"""What libraries do: tables of locks, queues, waits and thread entries, one TOML file for each library or family.

`lockcheck.knowledge.schema` says how a table is written; `lockcheck.knowledge.load.load()` gives what is in them.
"""
