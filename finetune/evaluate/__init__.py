"""Tool-call accuracy: cases in, graded predictions and one report out; the same input gives the same report."""
