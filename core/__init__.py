"""What every part of Graft shares: words (types), settings, prompt, chat pipeline, domain pack, errors.

Knows langchain-core, pydantic and yaml, and no other framework; knows no stage.
"""
