"""The documents' page in headless Chromium: listed, searched, added, deleted, checked."""

import re

import pytest
from playwright.sync_api import expect

from core.errors import IndexBusyError
from tests.browser import steps


@pytest.fixture
def documents(page):
    """The documents' page."""
    page.get_by_role("tab", name="Documents").click()
    page.wait_for_selector("#documents table")
    return page


def upload(page, *files):
    """Choose files and add them."""
    page.locator("#files input[type=file]").set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": content} for name, content in files]
    )
    page.wait_for_selector("#files .file-preview")
    page.get_by_role("button", name="Add to the documents").click()
    page.wait_for_selector("#uploads li:not(.waiting)")


def test_documents_are_listed_with_state_and_reason(documents, watch):
    expect(documents.locator("#documents")).to_contain_text("5 indexed, 1 rejected", use_inner_text=True)
    row = documents.locator("#documents tr.rejected")
    expect(row).to_contain_text("old/scan.png", use_inner_text=True)
    expect(row).to_contain_text("hold no text that can be read", use_inner_text=True)
    documents.get_by_label("Rejected", exact=True).check(force=True)
    documents.wait_for_function("document.querySelectorAll('#documents tbody tr').length === 1")
    documents.get_by_label("All", exact=True).check(force=True)
    documents.wait_for_function("document.querySelectorAll('#documents tbody tr').length === 6")
    documents.fill("#find input, #find textarea", "QUINCE")
    documents.wait_for_function("document.querySelectorAll('#documents tbody tr').length === 1")
    expect(documents.locator("#documents tbody th")).to_contain_text(["shrubs/quince.md"])
    assert watch.errors == []


def test_the_chunks_of_a_document_are_shown_as_they_are(documents, watch):
    documents.locator("#documents tr", has_text="hostile/payload.md").get_by_role("button", name="Chunks").click()
    documents.wait_for_selector("#chunks .opened")
    assert "<script>window.__pwned=1</script>" in documents.inner_text("#chunks")
    documents.wait_for_timeout(300)
    assert documents.evaluate("window.__pwned") is None
    expect(documents.locator("#chunks img, #documents img")).to_have_count(0)
    documents.get_by_role("button", name="Close").click()
    documents.wait_for_selector("#chunks .opened", state="detached")
    assert watch.elsewhere == []


def test_a_search_shows_what_each_part_says(documents):
    documents.fill("#desk-question textarea", "prune a quince")
    documents.get_by_role("button", name="Search").click()
    documents.wait_for_selector("#hits table")
    first = documents.locator("#hits tbody tr").first.inner_text()
    assert "shrubs/quince.md" in first
    assert "0.900" in first
    assert "1. (0.50)" in first
    assert "not found" in first


def test_files_are_added_and_rejected_with_a_reason_each(documents, site):
    upload(documents, ("new leaf.md", b"# New\n\nA new leaflet."), ("tool.exe", b"MZ"))
    states = documents.locator("#uploads li").all_inner_texts()
    assert "indexed" in states[0]
    assert "rejected" in states[1]
    assert "hold no text that can be read" in states[1]
    expect(documents.locator("#documents")).to_contain_text("6 indexed, 2 rejected", use_inner_text=True)
    assert site.desk.waiting == {}


def test_an_uploaded_document_is_deleted_and_others_are_not(documents, site):
    expect(documents.get_by_role("button", name="Delete")).to_have_count(0)
    upload(documents, ("new.md", b"# New"))
    documents.once("dialog", lambda dialog: dialog.dismiss())
    documents.get_by_role("button", name="Delete").click()
    documents.once("dialog", lambda dialog: dialog.accept())
    documents.get_by_role("button", name="Delete").click()
    documents.wait_for_function("document.querySelector('#desk-line')?.innerText.includes('uploads/new.md is deleted')")
    documents.wait_for_function("!document.querySelector('#documents').innerText.includes('uploads/new.md')")
    assert "uploads/new.md" not in site.desk.rows


def test_trouble_is_a_sentence_and_the_files_stay_listed(documents, site):
    site.desk.error = IndexBusyError("the index is being written by graft ingest: wait until it is done")
    documents.locator("#files input[type=file]").set_input_files(
        [{"name": "new.md", "mimeType": "text/plain", "buffer": b"x"}]
    )
    documents.wait_for_selector("#files .file-preview")
    documents.get_by_role("button", name="Add to the documents").click()
    documents.wait_for_selector("#uploads .trouble")
    expect(documents.locator("#uploads")).to_contain_text("wait until it is done", use_inner_text=True)
    expect(documents.locator("#uploads li")).to_contain_text("waiting", use_inner_text=True)


def test_the_index_is_verified_and_rebuilt(documents, site):
    documents.get_by_role("button", name="Verify").click()
    documents.wait_for_function("document.querySelector('#desk-line')?.innerText === 'The index is whole.'")
    site.desk.problems = ["vectors: 3 chunks have none. Remedy: graft index repair --domain garden."]
    documents.get_by_role("button", name="Verify").click()
    documents.wait_for_function("document.querySelector('#desk-line')?.innerText.includes('3 chunks have none')")
    documents.get_by_role("button", name="Rebuild").click()
    documents.wait_for_function("document.querySelector('#desk-line')?.innerText.includes('Built anew')")


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_overflows_sideways(browser, site, width):
    page = steps.new_page(browser, viewport={"width": width, "height": 844})
    page.goto(site.url)
    page.get_by_role("tab", name="Documents").click()
    page.wait_for_selector("#documents table")
    page.fill("#desk-question textarea", "prune a quince")
    page.get_by_role("button", name="Search").click()
    page.wait_for_selector("#hits table")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


def test_a_collection_is_created_filled_and_removed(documents, site):
    expect(documents.locator("#collection input")).to_have_value(re.compile(r"Garden centre \(5 documents\)"))
    documents.fill("#collection-title :is(input, textarea)", "My notes")
    documents.get_by_role("button", name="Create", exact=True).click()
    documents.wait_for_function("document.querySelector('#collection input')?.value.startsWith('My notes')")
    documents.wait_for_function("document.querySelector('#documents')?.innerText.includes('No document')")
    upload(documents, ("own.md", b"# Own"))
    assert "uploads/own.md" in site.shelf.others["my-notes"].rows
    assert "uploads/own.md" not in site.desk.rows
    documents.once("dialog", lambda dialog: dialog.accept())
    documents.get_by_role("button", name="Remove this collection").click()
    documents.wait_for_function("document.querySelector('#collection input')?.value.startsWith('Garden centre')")
    assert "my-notes" not in site.shelf.others


def test_the_documents_of_another_domain_are_only_looked_at(documents):
    documents.locator("#collection input").click()
    documents.get_by_role("option", name="trees (empty)").click()
    documents.wait_for_function("document.querySelector('#collection-remove')?.innerText.includes('another domain')")
    expect(documents.locator("#add-panel")).to_be_hidden()
    expect(documents.locator("#update")).to_be_disabled()


def test_a_whole_folder_is_uploaded_with_its_paths(documents, site, tmp_path):
    for name in ("notes/a/readme.md", "notes/b/readme.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(f"# {name}")
    documents.locator("#folder input[type=file]").set_input_files(tmp_path / "notes")
    documents.wait_for_selector("#folder .file-preview")
    documents.get_by_role("button", name="Add to the documents").click()
    documents.wait_for_selector("#uploads li:not(.waiting)")
    added = sorted(source for source in site.desk.rows if source.startswith("uploads/"))
    assert added == ["uploads/notes/a/readme.md", "uploads/notes/b/readme.md"]


def test_a_folder_is_watched_left_alone_and_taken_out(documents, site):
    documents.get_by_label("Folder on this server").fill("notes")
    documents.get_by_role("button", name="Watch this folder").click()
    documents.wait_for_function("document.querySelector('#desk-line')?.innerText.includes('whole path')")
    documents.get_by_label("Folder on this server").fill("/srv/notes")
    documents.get_by_role("button", name="Watch this folder").click()
    documents.wait_for_selector("#folders li")
    expect(documents.locator("#folders")).to_contain_text("12:00:00 2 indexed", use_inner_text=True)
    documents.get_by_role("button", name="Stop watching").click()
    documents.wait_for_selector("#folders .off")
    documents.once("dialog", lambda dialog: dialog.accept())
    documents.get_by_role("button", name="Take out").click()
    documents.wait_for_selector("#folders li", state="detached")
    assert site.desk.watched == []
