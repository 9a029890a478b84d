"""Treatment what-if: the contract only; no simulator is registered yet."""
