"""Results as the specialists word them, from sampled numbers: what the assistant reads in a training chat."""
