"""Examples from facts: questions, answers in the house style, evidence, and the split into training and test."""
