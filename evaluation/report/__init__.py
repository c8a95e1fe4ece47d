"""The report: one HTML file that loads nothing. Knows the figures, not how they were measured."""
