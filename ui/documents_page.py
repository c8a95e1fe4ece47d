"""The documents' tab: layout and wiring. What happens stands in `documents`, what is shown in `render_documents`."""

import gradio as gr

from core.corpus_desk import CorpusDesk
from ui.documents import Documents, View
from ui.documents_parts import DocumentsParts
from ui.quiet import AT_ONCE, QUIET
from ui.render_status import line_html

_BRIDGE = "document.addEventListener('graft-desk', (event) => trigger(event.detail.event, event.detail.data))"
_HELP = (
    "Update reads what has changed in the folders. Verify compares every part of the index with every other. "
    "Rebuild makes the search index anew from what was read."
)


def build_documents() -> DocumentsParts:
    """Create the components inside the current Gradio context."""
    view = gr.State(View())
    bridge = gr.HTML(elem_id="desk-bridge", js_on_load=_BRIDGE)
    with gr.Row(elem_id="library", equal_height=False):
        with gr.Column(elem_id="library-side", min_width=0):
            with gr.Column(elem_id="add-panel", min_width=0):
                files = gr.File(
                    label="Add documents", file_count="multiple", type="filepath", elem_id="files", height=150
                )
                add = gr.Button("Add to the documents", variant="primary", elem_id="add", min_width=0)
                uploads = gr.HTML(elem_id="uploads", js_on_load=None)
            with gr.Column(elem_id="index-panel", min_width=0):
                gr.HTML("<h2>Index</h2>", js_on_load=None, elem_classes="heading")
                update = gr.Button("Update", size="sm", elem_id="update", min_width=0)
                verify = gr.Button("Verify", size="sm", elem_id="verify", min_width=0)
                rebuild = gr.Button("Rebuild", size="sm", elem_id="rebuild", min_width=0)
                gr.HTML(f'<p class="note">{_HELP}</p>', js_on_load=None)
                line = gr.HTML(line_html(""), elem_id="desk-line", js_on_load=None)
        with gr.Column(elem_id="library-main", min_width=0):
            with gr.Row(elem_id="finding"):
                search = gr.Textbox(
                    label="Find a document",
                    show_label=False,
                    container=False,
                    placeholder="Find a document by name or title",
                    max_length=200,
                    elem_id="find",
                )
                state = gr.Radio(
                    [("All", ""), ("Indexed", "indexed"), ("Rejected", "rejected")],
                    value="",
                    label="State",
                    show_label=False,
                    container=False,
                    elem_id="state",
                    elem_classes="tiles",
                )
            table = gr.HTML(elem_id="documents", js_on_load=None)
            chunks = gr.HTML(elem_id="chunks", js_on_load=None)
            gr.HTML("<h2>Try a search</h2>", js_on_load=None, elem_classes="heading")
            with gr.Row(elem_classes="asking", equal_height=True):
                question = gr.Textbox(
                    label="Words to search for",
                    show_label=False,
                    container=False,
                    placeholder="A question or words",
                    lines=1,
                    max_lines=3,
                    max_length=2000,
                    elem_id="desk-question",
                )
                ask = gr.Button("Search", variant="primary", elem_id="desk-search", min_width=0)
            hits = gr.HTML(elem_id="hits", js_on_load=None)
    return DocumentsParts(
        view=view,
        bridge=bridge,
        files=files,
        add=add,
        uploads=uploads,
        update=update,
        verify=verify,
        rebuild=rebuild,
        line=line,
        search=search,
        state=state,
        table=table,
        chunks=chunks,
        question=question,
        ask=ask,
        hits=hits,
    )


def wire_documents(desk: CorpusDesk, tab: gr.Tab, parts: DocumentsParts) -> None:
    """Connect the components to what happens."""
    documents = Documents(desk, parts)
    work = {"concurrency_id": "desk", "concurrency_limit": 1, **QUIET}
    tab.select(documents.list, parts.looking, parts.listed, **AT_ONCE)
    parts.search.change(documents.narrow, parts.looking, parts.listed, trigger_mode="always_last", **AT_ONCE)
    parts.state.input(documents.narrow, parts.looking, parts.listed, **AT_ONCE)
    parts.bridge.select(documents.act, parts.looking, parts.listed, **AT_ONCE)
    gr.on(
        [parts.question.submit, parts.ask.click], documents.search, parts.question, [parts.hits, parts.line], **AT_ONCE
    )
    both = [*parts.listed, *(one for one in parts.working if one is not parts.line)]
    parts.add.click(documents.add, [parts.files, *parts.looking], [*both, parts.files, parts.uploads], **work)
    parts.bridge.delete(documents.delete, parts.looking, both, **work)
    parts.update.click(documents.update, parts.looking, both, **work)
    parts.verify.click(documents.verify, None, parts.working, **work)
    parts.rebuild.click(documents.rebuild, None, parts.working, **work)
