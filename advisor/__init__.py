"""The advisor: which of ICL, RAG and fine-tuning a domain needs, by rules over what was measured. Runs nothing."""
