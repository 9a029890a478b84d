"""Molecules: a profile of any, and a generator of new ones."""
