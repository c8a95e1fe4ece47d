"""The workshop behind prepare.py: Sphinx pages to Markdown, Markdown to records, records to examples.

Only prepare.py uses it. Knows Django's documentation; knows nothing of ingestion, models or training.
"""
