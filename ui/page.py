"""The page: masthead, status strip, and the parts of the workbench below. Gets its objects passed in."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from core.advice_desk import AdviceDesk
from core.chat_files import ChatFiles
from core.conversations import ConversationStore
from core.corpus_desk import CorpusShelf
from core.example_desk import ExampleDesk
from core.feedback_store import FeedbackStore
from core.lab_desk import LabDesk
from core.roles import Right
from core.service import DomainService
from core.training_desk import TrainingDesk
from core.user_data import UserData
from ui.account_page import build_account, wire_account
from ui.advice_page import build_advice, wire_advice
from ui.arena_page import build_arena, wire_arena
from ui.chat_page import build_chat, wire_chat
from ui.documents_page import build_documents, wire_documents
from ui.examples_page import build_examples, wire_examples
from ui.lab_page import build_lab, wire_lab
from ui.language import language, t
from ui.page_language import SpokenBlocks
from ui.quiet import AT_ONCE
from ui.rating_panel import wire_ratings
from ui.render_page import masthead
from ui.show import Shower
from ui.source_view import Sources
from ui.status_strip import build_status_strip
from ui.train_page import build_train, wire_train
from ui.visitors import allows

# Answers that may be written at once; vLLM queues what it cannot batch.
CONCURRENT_ANSWERS = 64


def build_page(
    service: DomainService,
    conversations: ConversationStore,
    feedback: FeedbackStore,
    shelf: CorpusShelf | None = None,
    lab: LabDesk | None = None,
    advice: AdviceDesk | None = None,
    examples: ExampleDesk | None = None,
    training: TrainingDesk | None = None,
    files: ChatFiles | None = None,
    sources: Sources | None = None,
    data: UserData | None = None,
    *,
    logins: bool = False,
) -> gr.Blocks:
    """Build the page over `service`, in the language that is spoken; documents where there is a `shelf`, and so on.

    `files` can be added in the chat; `sources` open beside it where they are cited.

    Theme and style sheet are given when it is mounted (`ui.mount`). A tab that not every role may use is built under
    `page.only(right)` and named in `guarded`; with `logins` it is shown once it is known who looks. `data` is what is
    kept of users, for the page of their account.
    """
    pack = service.pack
    # Uploads that nobody added to the documents are removed after a day.
    guarded: list[tuple[gr.Tab, Right]] = []
    with SpokenBlocks(
        title=f"{pack.title} · Graft", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86_400)
    ) as page:
        page.language = language()
        gr.HTML(masthead(pack), elem_id="masthead", js_on_load=None)
        strip = gr.HTML(elem_id="status", js_on_load=None)
        with gr.Tabs(elem_id="pages"):
            with gr.Tab(t("Chat"), id="chat", elem_id="page-chat"):
                parts, panel, form = build_chat(service, files.limits if files is not None else None)
            with gr.Tab(t("Arena"), id="arena", elem_id="page-arena") as arena_tab:
                arena = build_arena(service)
            if shelf is not None:
                with (
                    page.only(Right.DOCUMENTS),
                    gr.Tab(t("Documents"), id="documents", elem_id="page-documents") as documents_tab,
                ):
                    wire_documents(shelf, documents_tab, build_documents())
                guarded.append((documents_tab, Right.DOCUMENTS))
            if examples is not None:
                with (
                    page.only(Right.EXAMPLES),
                    gr.Tab(t("Examples"), id="examples", elem_id="page-examples") as examples_tab,
                ):
                    wire_examples(pack, examples, examples_tab, build_examples(pack, examples))
                guarded.append((examples_tab, Right.EXAMPLES))
            if training is not None:
                with page.only(Right.TRAIN), gr.Tab(t("Train"), id="train", elem_id="page-train") as train_tab:
                    wire_train(training, train_tab, build_train(training))
                guarded.append((train_tab, Right.TRAIN))
            if lab is not None:
                with (
                    page.only(Right.LAB),
                    gr.Tab(t("Lab"), id="lab", elem_id="page-lab") as lab_tab,
                ):
                    wire_lab(lab, lab_tab, build_lab())
                guarded.append((lab_tab, Right.LAB))
            if advice is not None:
                # Everybody may read advice; what it is made of is changed by those who run labs.
                with gr.Tab(t("Advisor"), id="advice", elem_id="page-advice") as advice_tab:
                    wire_advice(advice, page, advice_tab, build_advice())
            if data is not None:
                with gr.Tab(t("Account"), id="account", elem_id="page-account") as account_tab:
                    wire_account(service, data, account_tab, build_account(), parts.bridge)
        build_status_strip(service, page, strip, panel, parts.send, parts.line)
        wire_chat(service, conversations, feedback, page, panel, parts, files, sources)
        wire_ratings(service.pack, feedback, Shower(parts, conversations), form)
        wire_arena(service, feedback, arena_tab, arena)
        _hide_from_others(page, guarded, logins=logins)
    page.queue(default_concurrency_limit=CONCURRENT_ANSWERS, api_open=False)
    return page


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
