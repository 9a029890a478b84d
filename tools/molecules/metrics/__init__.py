"""The figures of MOSES (Polykovskiy et al. 2020, Front. Pharmacol. 11:565644), by our own code."""
