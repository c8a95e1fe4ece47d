"""The page: masthead, status strip, and the parts of the workbench below. Gets its objects passed in."""

import gradio as gr

from core.conversations import ConversationStore
from core.corpus_desk import CorpusDesk
from core.feedback_store import FeedbackStore
from core.service import DomainService
from ui.arena_page import build_arena, wire_arena
from ui.chat_page import build_chat, wire_chat
from ui.documents_page import build_documents, wire_documents
from ui.rating_panel import wire_ratings
from ui.render_page import masthead
from ui.show import Shower
from ui.status_strip import build_status_strip

# Answers that may be written at once; vLLM queues what it cannot batch.
CONCURRENT_ANSWERS = 64


def build_page(
    service: DomainService, conversations: ConversationStore, feedback: FeedbackStore, desk: CorpusDesk | None = None
) -> gr.Blocks:
    """Build the page over `service`, with a page for documents where there is a `desk`.

    Theme and style sheet are given when it is mounted (`ui.mount`).
    """
    pack = service.pack
    # Uploads that nobody added to the documents are removed after a day.
    with gr.Blocks(
        title=f"{pack.title} · Graft", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86_400)
    ) as page:
        gr.HTML(masthead(pack), elem_id="masthead", js_on_load=None)
        strip = gr.HTML(elem_id="status", js_on_load=None)
        with gr.Tabs(elem_id="pages"):
            with gr.Tab("Chat", id="chat", elem_id="page-chat"):
                parts, panel, form = build_chat(service)
            with gr.Tab("Arena", id="arena", elem_id="page-arena") as arena_tab:
                arena = build_arena(service)
            if desk is not None:
                with gr.Tab("Documents", id="documents", elem_id="page-documents") as documents_tab:
                    wire_documents(desk, documents_tab, build_documents())
        build_status_strip(service, page, strip, panel, parts.send, parts.line)
        wire_chat(service, conversations, feedback, page, panel, parts)
        wire_ratings(service.pack, feedback, Shower(parts, conversations), form)
        wire_arena(service, feedback, arena_tab, arena)
    page.queue(default_concurrency_limit=CONCURRENT_ANSWERS, api_open=False)
    return page
