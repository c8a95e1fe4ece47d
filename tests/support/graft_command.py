"""Runs a graft command with the hash embedder in the place of the packaged one, then says what was imported.

Usage: python -m tests.support.graft_command ARGUMENTS... The last line on stderr is JSON: exit code, heavy modules.
"""

import json
import sys

from graft import build
from graft.cli import main
from tests.support.corpora import HashEmbedder

HEAVY = ("torch", "transformers", "sentence_transformers", "chromadb", "unstructured", "gradio", "vllm", "openai")


def run(arguments: list[str]) -> int:
    """Run the command; its exit code."""
    build.load_embeddings = lambda settings, embedder: HashEmbedder()
    try:
        main(arguments)
    except SystemExit as exit:
        return int(exit.code or 0)
    return 0


if __name__ == "__main__":
    code = run(sys.argv[1:])
    loaded = [name for name in HEAVY if name in sys.modules]
    sys.stderr.write(json.dumps({"code": code, "modules": loaded}) + "\n")
    sys.exit(code)
