"""Molecule design and profiles: the contracts only; no generator is registered yet."""
