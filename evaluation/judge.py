"""An optional judge: a model that says whether answers are right, beside the rules, never in their place.

It sees question, expected answer, evidence and the answer, not which arm wrote it. Its verdicts are worth what their
agreement with people's labels says. Knows no client.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from core.appended_lines import append_line, appended_lines
from evaluation.bootstrap import Bootstrap, Ratio
from evaluation.labels import Labels, agreement, answer_key, metric_verdicts
from evaluation.runs import AnswerRow, Run

Ask = Callable[[list[dict[str, str]], dict[str, Any]], str]
"""Messages and the JSON Schema of the reply in, the reply's text out. Raises GraftError when nobody answers."""
Progress = Callable[[str, int, int], None]

SCHEMA = {
    "type": "object",
    "properties": {"reason": {"type": "string", "maxLength": 300}, "right": {"type": "boolean"}},
    "required": ["reason", "right"],
    "additionalProperties": False,
}
_SYSTEM = (
    "You check answers of an assistant against the expected answer. An answer is right when it says the same thing: "
    "every fact of the expected answer, none that contradicts it; wording, order and extra politeness do not matter. "
    "Where a refusal is expected, only a refusal is right. "
    'Write a JSON object with the keys "reason" (one sentence) and "right" (true or false).'
)


def judge_messages(row: AnswerRow) -> list[dict[str, str]]:
    """What the judge is asked about one answer. Everything in it is data, set apart from the instruction."""
    example = row.example
    expected: Any = example.answer if example.answerable else "A refusal: the documents do not hold the answer."
    assert row.answer is not None
    case = {
        "question": example.question,
        "expected": expected,
        "evidence": [evidence.quote for evidence in example.evidence],
        "answer": "(a refusal)" if row.answer.refused else row.answer.text,
    }
    return [
        {"role": "system", "content": _SYSTEM},
        {"role": "user", "content": json.dumps(case, ensure_ascii=False, indent=1)},
    ]


def read_verdict(text: str) -> bool | None:
    """The judge's verdict; None when its reply holds none."""
    start = text.find("{")
    try:
        value, _ = json.JSONDecoder().raw_decode(text[start:]) if start >= 0 else (None, 0)
    except (ValueError, RecursionError):
        return None
    right = value.get("right") if isinstance(value, dict) else None
    return right if isinstance(right, bool) else None


def judge_run(
    run: Run,
    arms: Sequence[str],
    ask: Ask,
    labels: Labels,
    cache: Path,
    *,
    concurrency: int,
    resamples: int,
    seed: int,
    on_progress: Progress = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Judge every answer of these arms. What was judged is in `cache` and not asked again. Raises what `ask` raises.

    Per arm `judged` (share called right, with interval), how many replies held no verdict, and beside it the share that
    the rules call right. `with_people`: agreement of judge and of rules with the labels; `with_rules`: with each other.
    """
    rows = [row for row in run.rows if row.arm in arms and row.answer is not None]
    said = _judge_all(rows, ask, cache, concurrency, on_progress)
    result: dict[str, Any] = {"arms": {}}
    for arm in arms:
        own = [row for row in rows if row.arm == arm]
        verdicts = [said.get(answer_key(row)) for row in own]
        bootstrap = Bootstrap([row.example.record for row in own], resamples, seed)
        judged = bootstrap.figure(Ratio([(0.0, 0.0) if v is None else (float(v), 1.0) for v in verdicts]))
        ruled = bootstrap.figure(Ratio([(float(row.miss is None), 1.0) for row in own]))
        result["arms"][arm] = {
            "judged": judged.rounded() if judged else None,
            "rules": ruled.rounded() if ruled else None,
            "no_verdict": sum(verdict is None for verdict in verdicts),
        }
    ruled_right = metric_verdicts(rows)
    both = [key for key in ruled_right if key in said]
    result["with_people"] = {
        "judge": agreement(rows, said, labels, resamples, seed),
        "rules": agreement(rows, ruled_right, labels, resamples, seed),
    }
    result["with_rules"] = sum(said[key] == ruled_right[key] for key in both) / len(both) if both else None
    return result


def _judge_all(
    rows: Sequence[AnswerRow], ask: Ask, cache: Path, concurrency: int, on_progress: Progress
) -> dict[str, bool]:
    known = _read_cache(cache)
    open_rows = list({key: row for row in rows if (key := answer_key(row)) not in known}.values())
    done = 0
    with ThreadPoolExecutor(concurrency) as pool:
        for row, text in zip(open_rows, pool.map(lambda row: ask(judge_messages(row), SCHEMA), open_rows), strict=True):
            known[answer_key(row)] = verdict = read_verdict(text)
            append_line(cache, {"key": answer_key(row), "right": verdict, "text": text[:500]})
            done += 1
            on_progress("judged", done, len(open_rows))
    return {key: verdict for key, verdict in known.items() if verdict is not None}


def _read_cache(path: Path) -> dict[str, bool | None]:
    known: dict[str, bool | None] = {}
    for _, line in appended_lines(path):
        try:
            entry = json.loads(line)
            known[entry["key"]] = entry["right"]
        except (ValueError, KeyError, TypeError):
            continue  # half a line of a run that was killed, before there was an append_line
    return known
