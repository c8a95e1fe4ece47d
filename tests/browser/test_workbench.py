"""A user's way through the real system in a browser: upload, ask, correct, compare, restart; only the model is a fake.

Index, embedder, gateway, page and databases are the real ones, in a `graft up` of its own.
"""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.support.fake_process import fake_vllm
from tests.support.graft_process import GraftProcess, copy_pack, run_graft

pytestmark = [pytest.mark.integration, pytest.mark.browser]


@pytest.fixture(scope="module")
def graft(workspace, prepared, tmp_path_factory) -> Iterator[GraftProcess]:
    pack = copy_pack("garden", tmp_path_factory.mktemp("packs"))
    with fake_vllm() as (api, _):
        graft = GraftProcess(workspace.parent / "bench", pack, {}, "--no-train", "--vllm-url", api.root_url)
        graft.share_models(workspace)
        graft.start()
        try:
            graft.wait_until(graft.is_ready, "readiness")
            yield graft
        finally:
            graft.stop()


def test_upload_ask_correct_compare_and_restart(graft, browser):
    page = steps.new_page(browser, viewport={"width": 1440, "height": 900})
    steps.open_page(page, graft.base_url)
    steps.wait_until_ready(page)

    # A leaflet is added, and found.
    page.get_by_role("tab", name="Documents").click()
    page.wait_for_selector("#documents table")
    page.locator("#files input[type=file]").set_input_files(
        [
            {"name": "medlar.md", "mimeType": "text/markdown", "buffer": b"# Medlar\n\nPrune medlar in November.\n"},
            {"name": "photo.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n"},
        ]
    )
    page.wait_for_selector("#files .file-preview")
    page.get_by_role("button", name="Add to the documents").click()
    page.wait_for_selector("#uploads li.indexed", timeout=steps.PATIENCE_MS)
    page.wait_for_selector("#uploads li.rejected")
    page.fill("#desk-question textarea", "When do I prune medlar?")
    page.get_by_role("button", name="Search").click()
    page.wait_for_selector("#hits table")
    expect(page.locator("#hits tbody tr").first).to_contain_text("uploads/medlar.md")

    # It is asked about, and the answer corrected.
    page.get_by_role("tab", name="Chat").click()
    steps.ask(page, "When do I prune medlar?")
    assert "uploads/medlar.md" in {source["file"] for source in steps.sources(page)}
    page.get_by_role("button", name="Correct", exact=True).click()
    page.wait_for_selector("#rating", state="visible")
    page.get_by_label("The right answer").fill("In November, and lightly. [1]")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector(".rate-answer.correct.on")

    # Two ways of answering are compared.
    page.get_by_role("tab", name="Arena").click()
    page.wait_for_selector("#contestants .token")
    page.fill("#arena-question textarea", "When do I prune quince?")
    page.press("#arena-question textarea", "Enter")
    page.wait_for_selector("#votes", state="visible", timeout=steps.PATIENCE_MS)
    page.get_by_role("button", name="A is best").click()
    page.wait_for_selector("#standings table")

    # All of it is there after a restart. An open page loads itself anew then, and would cross the way of this one.
    page.goto("about:blank")
    assert graft.stop() == 0
    graft.start()
    graft.wait_until(graft.is_ready, "readiness after the restart")
    steps.open_page(page, graft.base_url)
    page.get_by_role("radio", name="When do I prune medlar?").check(force=True)
    page.wait_for_selector(".rate-answer.correct.on")
    page.get_by_role("tab", name="Arena").click()
    page.wait_for_selector("#standings table")
    page.context.close()

    exported = run_graft(graft.workspace, "feedback", "export", "--domain", str(graft.pack), "--json")
    assert exported.returncode == 0, exported.stderr
    result = json.loads(exported.stdout)
    assert result["corrections"]["added"] == 1
    assert result["preferences"] >= 1
    review = (graft.pack / "examples" / "review.jsonl").read_text()
    assert "In November, and lightly." in review
    assert '"source": "uploads/medlar.md"' in review
