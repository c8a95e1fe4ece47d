"""Examples to an adapter: training rows, the LoRA run, publishing. Knows nothing of serving or the page."""
