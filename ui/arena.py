"""What happens in the arena: ask several ways of answering at once, stop them, vote. Values for its components."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, cast

import gradio as gr
from pydantic import BaseModel, ConfigDict

from core.errors import GraftError
from core.feedback import Outcome, Vote
from core.feedback_store import FeedbackStore
from core.service import DomainService
from core.standings import standings
from core.turns import Turn
from ui import choices
from ui.arena_parts import ArenaParts
from ui.contest import compete
from ui.language import spoken, t
from ui.render_arena import LETTERS, cards_html, contestant_words, standings_html
from ui.render_status import line_html, not_ready_reason
from ui.settings_panel import read_question
from ui.show import Values
from ui.visitors import user_of
from ui.writing import Writing

FEWEST, MOST = 2, len(LETTERS)


class Contest(BaseModel):
    """One question and its answers, in the order in which they are shown. `blind`: nobody is named before the vote."""

    model_config = ConfigDict(frozen=True)

    turns: tuple[Turn, ...] = ()
    blind: bool = True
    outcome: Outcome | None = None
    winner: int | None = None

    @property
    def running(self) -> bool:
        """Whether any answer is on its way."""
        return any(turn.running for turn in self.turns)

    @property
    def open_to_votes(self) -> bool:
        """Whether there are answers to choose between, and nobody has chosen."""
        answered = sum(turn.answer is not None and not turn.answer.degraded for turn in self.turns)
        return self.outcome is None and not self.running and answered >= FEWEST


class Referee:
    """The answers that one browser session has running in the arena; stops them. Lives in `gr.State`."""

    def __init__(self) -> None:
        self.writings: list[Writing] = []

    def begin(self, count: int) -> list[Writing]:
        """One new Writing for each contestant."""
        self.writings = [Writing() for _ in range(count)]
        return self.writings

    def stop(self) -> None:
        """Stop all that run."""
        for writing in self.writings:
            writing.stop()


class Arena:
    """Contests of whoever sent the request; holds the service and the votes' store, and no contest."""

    def __init__(self, service: DomainService, feedback: FeedbackStore, parts: ArenaParts) -> None:
        self._service, self._feedback, self._parts = service, feedback, parts

    async def refresh(self, chosen: Sequence[str]) -> Values:
        """What can compete now, and how it stands."""
        try:
            offered = offered_contestants(self._service)
            table = standings_html(standings(await asyncio.to_thread(self._feedback.votes)))
        except GraftError as error:
            return {self._parts.line: line_html(spoken(str(error)))}
        known = {value for _, value in offered}
        kept = [value for value in chosen if value in known]
        if len(kept) < FEWEST:
            kept = [value for _, value in offered][:FEWEST]
        return {self._parts.contestants: gr.update(choices=offered, value=kept), self._parts.standings: table}

    async def ask(
        self,
        text: str,
        chosen: Sequence[str],
        format: Any,
        schema: str | None,
        corpus: str | None,
        blind: bool,
        contest: Contest,
    ) -> Values:
        """Set the contestants up; they answer in `run`."""
        problem = self._problem(text, chosen, contest)
        if problem is not None:
            return {self._parts.line: line_html(problem)}
        turns = [_turn(text.strip(), name, format, schema, corpus) for name in chosen]
        random.shuffle(turns)
        return self._shown(Contest(turns=tuple(turns), blind=blind))

    async def run(self, contest: Contest, referee: Referee) -> AsyncGenerator[Values]:
        """Let them answer, side by side."""
        if not contest.turns or any(turn.state != "waiting" for turn in contest.turns):
            yield {self._parts.line: gr.skip()}
            return
        writings = referee.begin(len(contest.turns))
        async with aclosing(compete(self._service, contest.turns, writings)) as states:
            async for turns in states:
                contest = contest.model_copy(update={"turns": turns})
                yield self._shown(contest)

    async def halt(self, referee: Referee) -> None:
        """Stop them; what is written stays."""
        referee.stop()

    async def vote(self, request: gr.Request, contest: Contest, choice: str) -> Values:
        """Keep a vote: the index of the best answer, or "tie", or "none"."""
        if not contest.open_to_votes:
            return {self._parts.line: gr.skip()}
        winner = int(choice) if choice.isdigit() else None
        if winner is not None and not (winner < len(contest.turns) and contest.turns[winner].answer):
            return {self._parts.line: line_html(t("This one gave no answer. Choose another."))}
        outcome = cast(Outcome, "winner" if winner is not None else choice)
        user = user_of(request)
        if user is None:
            return {self._parts.line: line_html(t("This browser keeps no cookies, so votes cannot be kept."))}
        vote = Vote(
            id=contest.turns[0].id,  # one vote for each contest
            user=user,
            domain=self._service.pack.name,
            turns=contest.turns,
            outcome=outcome,
            winner=winner,
        )
        try:
            await asyncio.to_thread(self._feedback.vote, vote)
            votes = await asyncio.to_thread(self._feedback.votes)
        except GraftError as error:
            return {self._parts.line: line_html(spoken(str(error)))}
        ended = contest.model_copy(update={"outcome": outcome, "winner": winner})
        return {**self._shown(ended), self._parts.standings: standings_html(standings(votes))}

    def _problem(self, text: str, chosen: Sequence[str], contest: Contest) -> str | None:
        if contest.running:
            return t("Answers are being written. Wait for them, or press Stop.")
        if not text.strip():
            return t("Type a question first.")
        if not FEWEST <= len(chosen) <= MOST:
            return t("Choose {fewest} to {most} ways of answering.", fewest=FEWEST, most=MOST)
        try:
            return not_ready_reason(self._service.status())
        except GraftError as error:
            return spoken(str(error))

    def _shown(self, contest: Contest) -> Values:
        parts, voting = self._parts, contest.open_to_votes
        revealed = contest.outcome is not None or not contest.blind
        values: Values = {
            parts.contest: contest,
            parts.cards: cards_html(contest.turns, revealed=revealed, winner=contest.winner),
            parts.line: line_html(_line(contest)),
            parts.ask: gr.update(visible=not contest.running),
            parts.stop: gr.update(visible=contest.running),
            parts.votes: gr.update(visible=voting),
        }
        if voting:
            values |= {
                button: gr.update(visible=number < len(contest.turns)) for number, button in enumerate(parts.best)
            }
        return values


def offered_contestants(service: DomainService) -> choices.Choices:
    """Ways of answering that work now; those with an adapter once for each of its versions."""
    adapters = [adapter.name for adapter in service.adapters()]
    return [
        (t(", ").join(part for part in (label, adapter) if part), f"{arm}|{adapter}")
        for label, arm in choices.offered_arms(service, service.status())
        for adapter in (adapters if choices.ARMS[arm].adapter else [""])
    ]


def _turn(text: str, contestant: str, format: Any, schema: str | None, corpus: str | None) -> Turn:
    arm, _, adapter = contestant.partition("|")
    question = read_question(text, (), arm, format, schema, True, adapter)
    # Passages in place of an answer would win or lose for no fault of who was asked.
    return Turn(question=question.model_copy(update={"or_passages": False}), corpus=corpus or None)


def _line(contest: Contest) -> str:
    if contest.running:
        done = sum(not turn.running for turn in contest.turns)
        return t("{done} of {all} have answered.", done=done, all=len(contest.turns))
    if contest.outcome == "winner" and contest.winner is not None:
        who = contestant_words(contest.turns[contest.winner])
        return t("Your vote is kept. {letter} was: {who}.", letter=LETTERS[contest.winner], who=who)
    if contest.outcome is not None:
        return t("Your vote is kept.")
    if contest.open_to_votes:
        return t("Which answer is best?")
    return t("There are not enough answers to vote on.") if contest.turns else ""
