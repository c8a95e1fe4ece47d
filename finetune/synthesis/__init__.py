"""New and rewritten examples from a teacher model, verified by code, and accepted by a person. Knows no client."""
