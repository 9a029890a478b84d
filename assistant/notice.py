"""The one sentence that is always in sight: on the page, in exports, on the command line."""

RESEARCH_USE = (
    "Research use only. Not a medical device; do not use for diagnosis or treatment decisions."
)
