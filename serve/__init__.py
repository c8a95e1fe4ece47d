"""vLLM, and the OpenAI-compatible gateway in front of it. Knows nothing of how documents or adapters came to be."""
