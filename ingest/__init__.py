"""Documents to chunks to an index. Knows files, unstructured and Chroma; nothing of questions or of answers."""
