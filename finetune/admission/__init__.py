"""May a stranger's adapter come in? Archive, files, config and tensors are judged by what they are; nothing is run."""
