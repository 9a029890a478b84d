"""Similar cases: the contract only; no index is registered yet."""
