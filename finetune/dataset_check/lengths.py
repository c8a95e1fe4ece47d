"""Examples that do not fit: prompt and answer against the context window, answers against the longest reply."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from core.answer_text import write_answer
from core.pack import DomainPack
from core.prompt import CountMessages, PromptRequest, render
from core.types import Example
from finetune.dataset_check.finding import Finding, Line


class Limits(NamedTuple):
    """In tokens of the language model: the context window, the room for passages in it, the longest answer."""

    context: int
    passages: int
    answer: int


def measure(example: Example, pack: DomainPack, count: CountMessages) -> tuple[int, int]:
    """Tokens of an example's prompt without passages, and of its answer as it would be written."""
    request = PromptRequest(
        persona=pack.persona,
        refusal=pack.refusal,
        question=example.question,
        format=example.format,
        json_schema=pack.schema_for(example.format, example.schema_name),
        passages=(),
    )
    prompt = render(request)
    text = write_answer(example.answer if example.answerable else None, example.format, [1], pack.refusal)
    size = count(prompt)
    return size, count([*prompt, {"role": "assistant", "content": text}]) - size


def find_too_long(lines: Sequence[Line], pack: DomainPack, count: CountMessages, limits: Limits) -> Iterator[Finding]:
    """Lines whose prompt with a full set of passages, or whose answer, is over a limit."""
    for line in lines:
        prompt, answer = measure(line.example, pack, count)
        total = prompt + limits.passages + answer
        if total > limits.context:
            yield line.finding(
                "error",
                "length",
                f"needs {total} tokens ({prompt} prompt, {limits.passages} passages, {answer} answer) "
                f"of {limits.context}",
                "shorten question or answer, lower retrieve.token_budget, or raise serve.max_model_len",
            )
        elif answer > limits.answer:
            yield line.finding(
                "warning", "length", f"answer has {answer} tokens, and replies are cut at {limits.answer}",
                "shorten it, or raise generate.max_tokens",
            )  # fmt: skip
