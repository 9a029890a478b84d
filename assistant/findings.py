"""How a finding's value and interval read, the same on the page and in exports."""

from consilium.tools.contract import Finding


def value_text(finding: Finding) -> str:
    """Value of a finding without its unit; "not given" where the tool abstained from it."""
    if finding.value is None:
        return "not given"
    return finding.value if isinstance(finding.value, str) else f"{finding.value:g}"


def interval_text(finding: Finding) -> str:
    """Interval of a finding, e.g. "0.82 to 0.93"; empty where there is none."""
    if finding.interval is None:
        return ""
    low, high = finding.interval
    return f"{low:g} to {high:g}"
