"""Cardiovascular risk: the contract only; no predictor is registered yet."""
