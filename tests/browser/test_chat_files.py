"""Files in the chat, in headless Chromium: added, searched in this conversation alone, rejected, removed, deleted."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser import steps

MEDLAR = b"Prune the medlar in November, once its leaves are down. Quince differs."


def give(page, *files):
    """Choose files with the button, and wait until they are read."""
    page.locator("#composer input[type=file]").set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": content} for name, content in files]
    )


def wait_for_chips(page, names):
    """Wait until the chips are exactly these."""
    page.wait_for_function(
        "wanted => JSON.stringify([...document.querySelectorAll('#chips .chips .name')].map((n) => n.textContent))"
        " === JSON.stringify(wanted) && !document.querySelector('#adding .adding, #chips .waiting')",
        arg=names,
    )


def drop(page, name, content):
    """Drop a file on the conversation, as from another window."""
    page.evaluate(
        """([name, content]) => {
            const data = new DataTransfer();
            data.items.add(new File([content], name, { type: 'text/plain' }));
            const target = document.querySelector('#conversation');
            for (const kind of ['dragenter', 'dragover', 'drop']) {
                target.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
            }
        }""",
        [name, content],
    )


def test_a_dropped_file_is_searched_in_this_conversation_only(page, site, watch):
    drop(page, "medlar.txt", MEDLAR.decode())
    wait_for_chips(page, ["medlar.txt"])
    expect(page.locator("#chips")).to_contain_text("in this conversation only", use_inner_text=True)
    steps.ask(page, "When do I prune medlar and quince?")
    found = {source["file"] for source in steps.sources(page)}
    assert {"medlar.txt", "shrubs/quince.md"} <= found
    own = page.locator("#sources .source", has_text="medlar.txt")
    expect(own.locator(".corpus")).to_contain_text("Your file")
    page.get_by_role("button", name="New conversation").click()
    page.wait_for_selector("#conversation .example")
    wait_for_chips(page, [])
    steps.ask(page, "When do I prune medlar and quince?")
    assert "medlar.txt" not in {source["file"] for source in steps.sources(page)}
    assert watch.errors == []


def test_progress_rejects_and_limits_are_told(page, site):
    site.files.pause = 1.0
    give(page, ("medlar.txt", MEDLAR), ("tool.exe", b"MZ"), ("a.txt", b"a"), ("b.txt", b"b"))
    page.wait_for_selector("#adding .adding")
    wait_for_chips(page, ["a.txt", "medlar.txt", "tool.exe"])
    expect(page.locator("#chips .rejected")).to_contain_text("hold no text that can be read")
    expect(page.locator("#adding .refused")).to_contain_text(
        "b.txt: a conversation holds 3 files at most", use_inner_text=True
    )


def test_a_file_is_removed_and_the_rest_stays_after_a_reload(page, site):
    give(page, ("medlar.txt", MEDLAR), ("note.txt", b"Nothing here."))
    wait_for_chips(page, ["medlar.txt", "note.txt"])
    steps.ask(page, "When do I prune medlar?")
    page.get_by_role("button", name="Remove note.txt").click()
    wait_for_chips(page, ["medlar.txt"])
    steps.open_page(page, site.url)
    page.get_by_role("radio", name="When do I prune medlar?").check(force=True)
    wait_for_chips(page, ["medlar.txt"])
    with page.expect_download() as saved:
        page.locator("#chips a.name").click()
    assert saved.value.path().read_bytes() == MEDLAR


def test_files_are_their_users_alone_and_go_with_the_conversation(browser, page, site):
    give(page, ("medlar.txt", MEDLAR))
    wait_for_chips(page, ["medlar.txt"])
    path = page.get_attribute("#chips a.name", "href")
    assert page.request.get(site.url + path).body() == MEDLAR
    other = steps.new_page(browser)
    steps.open_page(other, site.url)
    assert other.request.get(site.url + path).status == 404
    other.context.close()
    page.click(".menu summary")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save all of mine as JSON").click()
    assert json.loads(saved.value.path().read_text())["files"][0]["source"] == "medlar.txt"
    before = list(site.files._root.rglob("medlar.txt"))  # those of other tests among them
    page.once("dialog", lambda dialog: dialog.accept())
    page.click(".menu summary")
    page.get_by_role("button", name="Delete this conversation").click()
    wait_for_chips(page, [])
    assert page.request.get(site.url + path).status == 404
    assert len(list(site.files._root.rglob("medlar.txt"))) == len(before) - 1


def test_a_name_brings_no_markup(page, watch):
    drop(page, "<img src=x onerror=window.__pwned=1>.txt", "quince")
    page.wait_for_selector("#chips .name")
    page.wait_for_timeout(300)
    assert "img src=x" in page.inner_text("#chips")  # Gradio takes the brackets out of file names
    expect(page.locator("#chips img")).to_have_count(0)
    assert page.evaluate("window.__pwned") is None
    assert watch.elsewhere == []


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_overflows_sideways(browser, site, width):
    page = steps.new_page(browser, viewport={"width": width, "height": 844})
    steps.open_page(page, site.url)
    give(page, ("x" * 120 + ".txt", MEDLAR), ("tool.exe", b"MZ"))
    page.wait_for_selector("#chips .rejected")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


def test_several_collections_are_searched_together(page, site):
    box = page.get_by_role("listbox", name="Collections").or_(page.locator("#corpus input")).first
    box.click()
    page.get_by_role("option", name="trees (2 documents)").click()
    page.keyboard.press("Escape")
    steps.ask(page, "When do I prune a quince?")
    assert site.service.asked_corpora[-1] == "garden+trees"
