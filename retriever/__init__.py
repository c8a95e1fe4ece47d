"""Questions to passages. Knows the index and the embedder; knows nothing of files or of how answers are written."""
