"""The language server: what lockcheck finds, in an editor, while one types."""
