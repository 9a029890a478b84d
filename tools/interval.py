"""How sure a share is."""


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % score interval of the share hits / n, 0 to 1 (Wilson 1927, J Am Stat Assoc 22:209); (0, 1) where n is 0."""
    from scipy.stats import binomtest  # half a second that no start need pay

    if n == 0:
        return 0.0, 1.0
    interval = binomtest(hits, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
