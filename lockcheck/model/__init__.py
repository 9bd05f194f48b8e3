"""What is known: frozen values that every stage shares.

This layer imports the standard library and msgspec only.
"""
