"""The cardiovascular risk predictor: the published equations and a learned model."""
