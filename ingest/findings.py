"""What a check of an index found, and the lines that tell it. Looks into nothing itself."""

from dataclasses import dataclass, field

from pydantic import BaseModel

_SHOWN = 3


class Problem(BaseModel):
    """What is wrong with a part of an index, and the command that puts it right."""

    part: str
    detail: str
    remedy: str


@dataclass
class Findings:
    """What a check found. `damaged`: the manifest cannot be used at all, and nothing else could be looked into.

    `documents`: sources whose chunks are not as they were written, and why; `vectors`: keys of vectors that cannot be
    right; `missing`: how many chunks have none; `unserved`: acknowledged, but not in the served generation.
    """

    absent: bool = False
    damaged: str = ""
    documents: dict[str, str] = field(default_factory=dict)
    vectors: list[str] = field(default_factory=list)
    missing: int = 0
    lexical: str = ""
    unserved: bool = False
    generation: str = ""
    chroma: str = ""

    def problems(self, name: str) -> list[Problem]:
        """One line each."""
        repair, ingest = f"graft index repair --domain {name}", f"graft ingest --domain {name}"
        found = []
        if self.absent:
            found.append(("manifest", "there is none", ingest))
        if self.damaged:
            found.append(("manifest", self.damaged, repair))
        if self.documents:
            some = "; ".join(f"{source}: {why}" for source, why in list(self.documents.items())[:_SHOWN])
            more = f"; and {len(self.documents) - _SHOWN} more" if len(self.documents) > _SHOWN else ""
            found.append(("documents", f"{some}{more}", f"{repair}, then {ingest}"))
        if self.vectors:
            found.append(("vectors", f"{len(self.vectors)} are not finite, of length 1 and one dimension", repair))
        if self.missing:
            found.append(("vectors", f"{self.missing} chunks have none", repair))
        if self.lexical:
            found.append(("lexical", self.lexical, repair))
        if self.unserved:
            found.append(("generation", "does not hold all that was acknowledged (an ingestion was cut short)", ingest))
        if self.generation:
            found.append(("generation", self.generation, repair))
        if self.chroma:
            found.append(("chroma", self.chroma, repair))
        return [Problem(part=part, detail=detail, remedy=remedy) for part, detail, remedy in found]
