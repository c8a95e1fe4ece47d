"""The page: masthead, status strip, and the parts of the workbench below. Gets its objects passed in."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gradio as gr

from core.conversations import ConversationStore
from core.feedback_store import FeedbackStore
from core.roles import Right
from core.service import DomainService
from core.user_data import UserData
from ui.account_page import build_account, wire_account
from ui.advice_page import build_advice, wire_advice
from ui.arena_page import build_arena, wire_arena
from ui.chat_page import build_chat, wire_chat
from ui.desks import Desks
from ui.documents_page import build_documents, wire_documents
from ui.examples_page import build_examples, wire_examples
from ui.lab_page import build_lab, wire_lab
from ui.language import language, t
from ui.own_keys import build_own_keys, wire_own_keys
from ui.page_language import SpokenBlocks
from ui.places import Signpost, place
from ui.quiet import AT_ONCE
from ui.rating_panel import wire_ratings
from ui.render_page import masthead
from ui.show import Shower
from ui.status_strip import build_status_strip
from ui.train_page import build_train, wire_train
from ui.users_page import build_users, wire_users
from ui.visitors import allows

# Answers that may be written at once; vLLM queues what it cannot batch.
CONCURRENT_ANSWERS = 64


def build_page(
    service: DomainService,
    conversations: ConversationStore,
    feedback: FeedbackStore,
    desks: Desks,
    data: UserData | None = None,
    *,
    logins: bool = False,
    domains: Sequence[Signpost] = (),
) -> gr.Blocks:
    """Build the page over `service`, in the language that is spoken, with a tab for each of the `desks`.

    Theme and style sheet are given when it is mounted (`ui.mount`). A tab that not every role may use is made by
    `_guarded`; with `logins` it is shown once it is known who looks. `data` is what is kept of users, for the page of
    their account. `domains` are all that are served, for the selector.
    """
    pack, files = service.pack, desks.files
    # Gradio's copies of uploads are removed after a day, and when the server stops: no event waits for them that long.
    guarded: list[tuple[gr.Tab, Right]] = []
    with SpokenBlocks(
        title=f"{pack.title} · Graft", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86_400)
    ) as page:
        page.language, page.place = language(), place()
        gr.HTML(masthead(pack, domains), elem_id="masthead", js_on_load=None)
        strip = gr.HTML(elem_id="status", js_on_load=None)
        with gr.Tabs(elem_id="pages"):
            with gr.Tab(t("Chat"), id="chat", elem_id="page-chat"):
                parts, panel, form = build_chat(service, files.limits if files is not None else None)
            with gr.Tab(t("Arena"), id="arena", elem_id="page-arena") as arena_tab:
                arena = build_arena(service)
            if desks.shelf is not None:
                with _guarded(page, Right.DOCUMENTS, t("Documents"), "documents", guarded) as tab:
                    wire_documents(desks.shelf, tab, build_documents())
            if desks.examples is not None:
                with _guarded(page, Right.EXAMPLES, t("Examples"), "examples", guarded) as tab:
                    wire_examples(pack, desks.examples, tab, build_examples(pack, desks.examples))
            if desks.training is not None:
                with _guarded(page, Right.TRAIN, t("Train"), "train", guarded) as tab:
                    wire_train(desks.training, tab, build_train(desks.training))
            if desks.lab is not None:
                with _guarded(page, Right.LAB, t("Lab"), "lab", guarded) as tab:
                    wire_lab(desks.lab, tab, build_lab())
            if desks.advice is not None:
                # Everybody may read advice; what it is made of is changed by those who run labs.
                with gr.Tab(t("Advisor"), id="advice", elem_id="page-advice") as advice_tab:
                    wire_advice(desks.advice, page, advice_tab, build_advice())
            if desks.users is not None:
                with _guarded(page, Right.USERS, t("Users"), "users", guarded) as tab:
                    wire_users(desks.users, tab, build_users())
            if data is not None:
                with gr.Tab(t("Account"), id="account", elem_id="page-account") as account_tab:
                    wire_account(service, data, account_tab, build_account(), parts.bridge, alone=len(domains) < 2)
                    if desks.users is not None:
                        wire_own_keys(desks.users, account_tab, build_own_keys())
        build_status_strip(service, page, strip, panel, parts.send, parts.line)
        wire_chat(service, conversations, feedback, page, panel, parts, files, desks.sources)
        wire_ratings(service.pack, feedback, Shower(parts, conversations), form)
        wire_arena(service, feedback, arena_tab, arena)
        _hide_from_others(page, guarded, logins=logins)
    page.queue(default_concurrency_limit=CONCURRENT_ANSWERS, api_open=False)
    return page


@contextmanager
def _guarded(
    page: SpokenBlocks, right: Right, title: str, name: str, guarded: list[tuple[gr.Tab, Right]]
) -> Iterator[gr.Tab]:
    """A tab whose events need `right`, noted in `guarded`."""
    with page.only(right), gr.Tab(title, id=name, elem_id=f"page-{name}") as tab:
        yield tab
    guarded.append((tab, right))


def _hide_from_others(page: gr.Blocks, guarded: Sequence[tuple[gr.Tab, Right]], *, logins: bool) -> None:
    """Show each tab to those who may use it. Who calls its events all the same is refused by `GuardedBlocks`."""
    if not guarded:
        return
    tabs, rights = zip(*guarded, strict=True)
    for tab in tabs:
        tab.visible = not logins  # until it is known who looks

    def visible(request: gr.Request) -> Any:
        shown = [gr.update(visible=allows(request, right)) for right in rights]
        return shown if len(shown) > 1 else shown[0]

    page.load(visible, None, list(tabs), **AT_ONCE)
