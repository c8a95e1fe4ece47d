"""Documents to chunks to an index. Knows files, unstructured and Chroma; knows nothing of questions or models' answers."""
