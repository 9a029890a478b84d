"""The specialists: one folder each, with its contract, model, training, evaluation, weights and card."""
