"""Shells: how each is told to complete the words of lockcheck's commands."""
