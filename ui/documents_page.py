"""The documents' tab: layout and wiring. What happens stands in `documents`, what is shown in `render_documents`."""

import gradio as gr

from core.corpus_desk import CorpusShelf
from ui.collections import Collections
from ui.documents import Documents, View
from ui.documents_parts import DocumentsParts
from ui.language import marked, t
from ui.quiet import AT_ONCE, QUIET
from ui.render_status import line_html

_BRIDGE = "document.addEventListener('graft-desk', (event) => trigger(event.detail.event, event.detail.data))"
# What an uploaded folder's files were called in it: Gradio keeps their last names only (ui/assets/page.js).
_PATHS = "(files, folder, paths, ...rest) => [files, folder, JSON.stringify(window.graftFolderPaths ?? []), ...rest]"
LOOK_SECONDS = 4.0
_COLLECTION_HELP = marked("A set of documents of its own. The chat can search one or several.")
_WATCH_HELP = marked("Read with everything below it, and again whenever something in it changes.")
_HELP = marked(
    "Update reads what has changed in the folders. Verify compares every part of the index with every other. "
    "Rebuild makes the search index anew from what was read."
)


def build_documents() -> DocumentsParts:
    """Create the components inside the current Gradio context."""
    view = gr.State(View())
    bridge = gr.HTML(elem_id="desk-bridge", js_on_load=_BRIDGE)
    timer = gr.Timer(LOOK_SECONDS, active=False)
    with gr.Row(elem_id="library", equal_height=False):
        with gr.Column(elem_id="library-side", min_width=0):
            with gr.Column(elem_id="collection-panel", elem_classes="board", min_width=0):
                corpus = gr.Dropdown([], label=t("Collection"), info=t(_COLLECTION_HELP), elem_id="collection")
                with gr.Row(elem_classes="asking", equal_height=True):
                    title = gr.Textbox(
                        label=t("Name of a new collection"),
                        show_label=False,
                        container=False,
                        placeholder=t("A new collection"),
                        max_length=80,
                        elem_id="collection-title",
                    )
                    create = gr.Button(t("Create"), elem_id="create", min_width=0)
                remove = gr.HTML(elem_id="collection-remove", js_on_load=None)
            with gr.Column(elem_id="add-panel", min_width=0) as adding:
                files = gr.File(
                    label=t("Add documents"), file_count="multiple", type="filepath", elem_id="files", height=150
                )
                folder = gr.File(
                    label=t("Or a whole folder"), file_count="directory", type="filepath", elem_id="folder", height=150
                )
                paths = gr.Textbox(elem_id="folder-paths", visible=False)
                add = gr.Button(t("Add to the documents"), variant="primary", elem_id="add", min_width=0)
            uploads = gr.HTML(elem_id="uploads", js_on_load=None)
            with gr.Column(elem_id="watch-panel", elem_classes="board", min_width=0) as watching:
                gr.HTML(f"<h2>{t('Folders that are watched')}</h2>", js_on_load=None, elem_classes="heading")
                folders = gr.HTML(elem_id="folders", js_on_load=None)
                watched = gr.Textbox(
                    label=t("Folder on this server"),
                    info=t(_WATCH_HELP),
                    placeholder="/srv/documents",
                    max_length=4096,
                    elem_id="watched",
                )
                watch = gr.Button(t("Watch this folder"), size="sm", elem_id="watch", min_width=0)
            with gr.Column(elem_id="index-panel", min_width=0):
                gr.HTML(f"<h2>{t('Index')}</h2>", js_on_load=None, elem_classes="heading")
                update = gr.Button(t("Update"), size="sm", elem_id="update", min_width=0)
                verify = gr.Button(t("Verify"), size="sm", elem_id="verify", min_width=0)
                rebuild = gr.Button(t("Rebuild"), size="sm", elem_id="rebuild", min_width=0)
                gr.HTML(f'<p class="note">{t(_HELP)}</p>', js_on_load=None)
                line = gr.HTML(line_html(""), elem_id="desk-line", js_on_load=None)
        with gr.Column(elem_id="library-main", min_width=0):
            with gr.Row(elem_id="finding"):
                search = gr.Textbox(
                    label=t("Find a document"),
                    show_label=False,
                    container=False,
                    placeholder=t("Find a document by name or title"),
                    max_length=200,
                    elem_id="find",
                )
                state = gr.Radio(
                    [(t("All"), ""), (t("Indexed"), "indexed"), (t("Rejected"), "rejected")],
                    value="",
                    label=t("State"),
                    show_label=False,
                    container=False,
                    elem_id="state",
                    elem_classes="tiles",
                )
            table = gr.HTML(elem_id="documents", js_on_load=None)
            chunks = gr.HTML(elem_id="chunks", js_on_load=None)
            gr.HTML(f"<h2>{t('Try a search')}</h2>", js_on_load=None, elem_classes="heading")
            with gr.Row(elem_classes="asking", equal_height=True):
                question = gr.Textbox(
                    label=t("Words to search for"),
                    show_label=False,
                    container=False,
                    placeholder=t("A question or words"),
                    lines=1,
                    max_lines=3,
                    max_length=2000,
                    elem_id="desk-question",
                )
                ask = gr.Button(t("Search"), variant="primary", elem_id="desk-search", min_width=0)
            hits = gr.HTML(elem_id="hits", js_on_load=None)
    return DocumentsParts(
        view=view,
        bridge=bridge,
        timer=timer,
        corpus=corpus,
        remove=remove,
        title=title,
        create=create,
        adding=adding,
        files=files,
        folder=folder,
        paths=paths,
        add=add,
        uploads=uploads,
        watching=watching,
        watched=watched,
        watch=watch,
        folders=folders,
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


def wire_documents(shelf: CorpusShelf, tab: gr.Tab, parts: DocumentsParts) -> None:
    """Connect the components to what happens."""
    documents = Documents(shelf, parts)
    collections = Collections(shelf, parts, documents)
    work = {"concurrency_id": "desk", "concurrency_limit": 1, **QUIET}
    shown = [*parts.shelved, *parts.listed]
    tab.select(collections.load, parts.looking, [*shown, parts.timer], **AT_ONCE)
    parts.timer.tick(collections.look, parts.looking, parts.listed, **AT_ONCE)
    parts.corpus.input(collections.choose, parts.looking, shown, **AT_ONCE)
    gr.on([parts.title.submit, parts.create.click], collections.create, [parts.title, parts.state], shown, **AT_ONCE)
    gr.on([parts.watched.submit, parts.watch.click], collections.watch, [parts.watched, *parts.looking],
          [parts.watched, *parts.listed], **AT_ONCE)  # fmt: skip
    parts.search.change(documents.narrow, parts.looking, parts.listed, trigger_mode="always_last", **AT_ONCE)
    parts.state.input(documents.narrow, parts.looking, parts.listed, **AT_ONCE)
    parts.bridge.select(collections.act, parts.looking, parts.listed, **AT_ONCE)
    gr.on(
        [parts.question.submit, parts.ask.click],
        documents.search,
        [parts.question, parts.corpus],
        [parts.hits, parts.line],
        **AT_ONCE,
    )
    both = [*parts.listed, *(one for one in parts.working if one is not parts.line)]
    parts.add.click(
        documents.add,
        [parts.files, parts.folder, parts.paths, *parts.looking],
        [*both, parts.files, parts.folder, parts.uploads],
        js=_PATHS,
        **work,
    )
    parts.bridge.delete(collections.delete, parts.looking, list(dict.fromkeys([*shown, *both])), **work)
    parts.update.click(documents.update, parts.looking, both, **work)
    parts.verify.click(documents.verify, parts.corpus, parts.working, **work)
    parts.rebuild.click(documents.rebuild, parts.corpus, parts.working, **work)
