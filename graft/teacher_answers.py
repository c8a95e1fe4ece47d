"""A teacher's answers to training questions, verified and kept: what was paid for once is not asked for again.

The file has a line for each answer, under a hash of what it depends on. Lines are added and never taken away, so other
questions, another teacher or a kill lose none.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.appended_lines import append_line, appended_lines
from core.arms import Arm
from core.chat import ChatPipeline, Question
from core.errors import GraftError, ServeError
from core.files import sha256_json
from core.types import Example
from finetune.distillation import TeacherAnswer, verify

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class TeacherAnswers:
    """The answers in `file`. `pipeline` is the teacher over the right passages, `shots` its worked examples.

    `depends` names what else an answer depends on: who teaches, and how prompts are rendered.
    """

    file: Path
    pipeline: ChatPipeline
    arm: Arm
    shots: int
    depends: Sequence[str]
    at_once: int

    async def of(
        self, examples: Sequence[Example], progress: Progress, say: Callable[[str], None]
    ) -> list[TeacherAnswer]:
        """One for each example, in order; those that are not known yet are asked for.

        A question that is refused by itself counts as failed. Where the teacher cannot answer at all, nothing more is
        asked, and its ServeError is raised.
        """
        keys = {example.id: self._key(example) for example in examples}
        known = self._read(set(keys.values()))
        answers = {example.id: known[keys[example.id]] for example in examples if keys[example.id] in known}
        gate, stopped, refused = asyncio.Semaphore(self.at_once), list[ServeError](), list[GraftError]()

        async def ask(example: Example) -> None:
            async with gate:
                if stopped:
                    return
                try:
                    found = verify(example, await self.pipeline.answer(self._question(example)))
                except ServeError as error:
                    stopped.append(error)
                    return
                except GraftError as error:
                    refused.append(error)
                    found = TeacherAnswer(id=example.id, reason="failed")
                else:
                    append_line(self.file, {"key": keys[example.id], "answer": found.model_dump()})
            answers[example.id] = found
            progress("teacher", len(answers), len(examples))

        await asyncio.gather(*[ask(example) for example in examples if example.id not in answers])
        if stopped:
            say(f"{len(answers) - len(refused)} answers are kept; the same command goes on from there")
            raise stopped[0]
        if refused:
            say(f"{len(refused)} questions could not be asked; the first: {refused[0]}")
        return [answers[example.id] for example in examples]

    def _question(self, example: Example) -> Question:
        return Question(
            text=example.question,
            arm=self.arm,
            format=example.format,
            schema_name=example.schema_name,
            constrained=True,  # not every endpoint heeds a schema: an answer that breaks it is asked for once more
            icl_examples=self.shots,
            icl_without=(example.record,),
        )

    def _key(self, example: Example) -> str:
        # Not the other examples, though some of them are shown: an answer is verified against its own.
        return sha256_json([*self.depends, self.arm.name, self.shots, example.model_dump()])

    def _read(self, keys: set[str]) -> dict[str, TeacherAnswer]:
        """The answers under `keys`, the last one of each."""
        found: dict[str, TeacherAnswer] = {}
        for _, line in appended_lines(self.file):
            try:
                item = json.loads(line)
                if item["key"] in keys:
                    found[item["key"]] = TeacherAnswer.model_validate(item["answer"])
            except (ValueError, KeyError, TypeError):
                continue
        return found
