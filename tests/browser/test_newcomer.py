"""A newcomer's way through the workbench, without a terminal: a folder of documents, corrections, an adapter, advice.

Index, embedder, training, gateway, page and databases are the real ones, in a `graft up` of its own; only what writes
answers is a fake, unless `--real-vllm` is given. With `--guide-images FOLDER` it takes the pictures of docs/guide.md.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser import steps
from tests.support.fake_process import fake_vllm
from tests.support.graft_process import PATIENCE_SECONDS, GraftProcess, copy_pack

pytestmark = [pytest.mark.integration, pytest.mark.browser]

LEAFLETS = {
    "trees/medlar.md": "# Medlar\n\nPrune medlar in November, once its leaves are down. Leave the long shoots.\n",
    "trees/elder.md": "# Elder\n\nCut elder back hard in late winter. It flowers on the new wood.\n",
    "hedges/hazel.md": "# Hazel\n\nHazel is coppiced every seven years, before the sap rises.\n",
}
# Right, but in the centre's own manner.
ANSWERS = {
    "When do I prune medlar?": "In November, once its leaves are down. Good gardening! [1]",
    "When is elder cut back?": "Hard, in late winter. Good gardening! [1]",
    "How often is hazel coppiced?": "Every seven years, before the sap rises. Good gardening! [1]",
}
PATIENCE = 2 * steps.PATIENCE_MS
TRAINING_PATIENCE = 1000.0 * PATIENCE_SECONDS

WIDTH, HEIGHT = 1440, 900


class Shot(Protocol):
    """Takes a picture of the page's upper `height` pixels."""

    def __call__(self, name: str, height: int = HEIGHT) -> None: ...


@pytest.fixture(scope="module")
def real_vllm(request: pytest.FixtureRequest) -> bool:
    """Whether a vLLM with a model writes the answers."""
    return bool(request.config.getoption("--real-vllm"))


@pytest.fixture(scope="module")
def graft(workspace, prepared, tmp_path_factory, real_vllm) -> Iterator[GraftProcess]:
    pack = copy_pack("garden", tmp_path_factory.mktemp("packs"))
    # Few examples to begin with, so that a step of the training is small.
    examples = pack / "examples" / "train.jsonl"
    examples.write_text("".join(examples.read_text().splitlines(keepends=True)[:3]))
    settings = {"GRAFT_SERVE__MAX_MODEL_LEN": "2048", "GRAFT_SERVE__KV_CACHE_GIB": "1"}
    with ExitStack() as stack:
        elsewhere = [] if real_vllm else ["--vllm-url", stack.enter_context(fake_vllm())[0].root_url]
        graft = GraftProcess(workspace.parent / "newcomer", pack, settings, "--no-train", *elsewhere)
        graft.share_models(workspace)
        graft.start()
        stack.callback(graft.stop)
        graft.wait_until(graft.is_ready, "readiness")
        yield graft


@pytest.fixture
def page(browser, graft):
    """The page in a window of its own; what went wrong in it is an error of the test."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    opened, errors = context.new_page(), []
    opened.set_default_timeout(PATIENCE)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("request", lambda asked: errors.append(asked.url) if "://" in _elsewhere(asked.url, graft) else None)
    steps.open_page(opened, graft.base_url)
    steps.wait_until_ready(opened, PATIENCE)
    yield opened
    context.close()
    assert errors == []


@pytest.fixture
def shot(request, page) -> Shot:
    """Takes a picture for the guide, where that is asked for."""
    folder = request.config.getoption("--guide-images")

    def take(name: str, height: int = HEIGHT) -> None:
        if folder:
            page.mouse.move(0, 0)
            page.wait_for_timeout(1500)
            taken = page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": height})
            # 256 colours: a fifth of the size, and the eye sees no difference.
            Image.open(BytesIO(taken)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
                Path(folder) / f"guide-{name}.png", optimize=True
            )

    return take


def test_from_a_folder_of_documents_to_an_adapter_in_use(graft, page, shot, real_vllm, tmp_path):
    add_a_folder(page, shot, tmp_path / "leaflets")
    ask_and_correct(page, shot)
    accept_the_corrections(page, shot)
    for right in ANSWERS.values():
        assert right.removesuffix(" [1]") in (graft.pack / "examples" / "train.jsonl").read_text()
    # A real model is to have learnt something by the time it is compared.
    train(page, shot, 10 if real_vllm else 2)
    compare(page, shot)
    assert graft.active_adapter() is None
    activate(page, shot, compared=real_vllm)
    assert graft.active_adapter()
    read_the_advice(page, shot)


def add_a_folder(page: Any, shot: Shot, folder: Path) -> None:
    """Documents: a folder is uploaded, and searched."""
    for name, text in LEAFLETS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    steps.open_tab(page, "Documents")
    page.wait_for_selector("#documents table")
    page.locator("#folder input[type=file]").set_input_files(folder)
    page.wait_for_selector("#folder .file-preview")
    page.get_by_role("button", name="Add to the documents").click()
    page.wait_for_function("document.querySelectorAll('#uploads li.indexed').length === 3")
    page.fill("#desk-question textarea", next(iter(ANSWERS)))
    page.get_by_role("button", name="Search", exact=True).click()
    page.wait_for_selector("#hits table")
    expect(page.locator("#hits tbody tr").first).to_contain_text("uploads/leaflets/trees/medlar.md")
    shot("documents")


def ask_and_correct(page: Any, shot: Shot) -> None:
    """Chat: three questions, the passage behind an answer, three right answers."""
    steps.open_tab(page, "Chat")
    for number, (question, right) in enumerate(ANSWERS.items()):
        steps.ask(page, question, PATIENCE)
        first = steps.sources(page)[0]["file"]
        assert first.startswith("uploads/leaflets/"), first
        if number == 0:
            shot("chat")
        page.get_by_role("button", name="Correct", exact=True).last.click()
        page.wait_for_selector("#rating", state="visible")
        page.get_by_label("The right answer").fill(right)
        if number == 0:
            shot("correct")
        page.locator("#rating-save").click()
        page.wait_for_selector("#rating", state="hidden")
    expect(page.locator(".rate-answer.correct.on")).to_have_count(len(ANSWERS))


def accept_the_corrections(page: Any, shot: Shot) -> None:
    """Examples: the corrections wait for review, are accepted, and all examples are checked."""
    steps.open_tab(page, "Examples")
    page.locator("#curate-mode").get_by_label("To review").check(force=True)
    page.locator("#curate-take-in").click()
    says(page, "#curate-line", "3 corrections are new.")
    for left in (2, 1, 0):
        page.locator("#examples-list").get_by_role("button", name="Decide").first.click()
        page.wait_for_selector("#example-save", state="visible")
        page.wait_for_function("document.querySelector('#example-quote-0 textarea')?.value")
        quote = page.locator("#example-quote-0 textarea").input_value()
        assert any(quote in text for text in LEAFLETS.values()), quote
        if left == 2:
            shot("review")
        page.locator("#example-save").click()
        says(page, "#examples-list", f"{left} waiting")
    page.locator("#curate-mode").get_by_label("Checks").check(force=True)
    page.locator("#curate-check").click()
    says(page, "#examples-list", "training examples")
    shot("checks")


def train(page: Any, shot: Shot, most_steps: int) -> None:
    """Train: the plan first, then a few real steps, followed to their end."""
    steps.open_tab(page, "Train")
    page.wait_for_selector("#adapters-list .empty")
    page.locator("#train-options > button").click()
    page.locator("#train-max_steps :is(input, textarea)").fill(str(most_steps))
    page.locator("#train-activate input").uncheck()
    page.locator("#train-options > button").click()
    page.locator("#train-plan").click()
    page.wait_for_selector("#train-start:not([disabled])", timeout=TRAINING_PATIENCE)
    expect(page.locator("#train-planned")).to_contain_text(f"{most_steps} steps", use_inner_text=True)
    page.locator("#train-start").scroll_into_view_if_needed()
    shot("plan")
    page.locator("#train-start").click()
    page.wait_for_selector("#train-plots svg", timeout=TRAINING_PATIENCE)
    shot("training")
    says(page, "#train-view", "Done", TRAINING_PATIENCE)
    page.wait_for_selector("#adapters-list table")


def compare(page: Any, shot: Shot) -> None:
    """Arena: the new adapter against the plain model, judged without knowing which is which."""
    steps.open_tab(page, "Arena")
    page.wait_for_selector("#contestants .token")
    page.fill("#arena-question textarea", next(iter(ANSWERS)))
    page.press("#arena-question textarea", "Enter")
    page.wait_for_selector("#votes", state="visible")
    # The one that says it; either, if none or both do.
    answers = page.locator("#arena-cards .card .answer").all_inner_texts()
    best = max(range(len(answers)), key=lambda n: ("November" in answers[n], -n))
    page.get_by_role("button", name=f"{'AB'[best]} is best").click()
    page.wait_for_selector("#standings table")
    names = page.locator("#arena-cards .who").all_inner_texts()
    assert any(name.startswith("Documents + trained style, garden@") for name in names), names
    shot("arena")


def activate(page: Any, shot: Shot, *, compared: bool) -> None:
    """Train: the adapter is put to use; what cannot be `compared` in the server, because a person says so."""
    steps.open_tab(page, "Train")
    page.locator("#adapters-list").get_by_role("button", name="Use it").click()
    if not compared:
        says(page, "#train-line", "gives no log-probabilities")
        page.locator("#train-anyway").click()
    says(page, "#train-line", "is in use.", TRAINING_PATIENCE)
    says(page, "#adapters-list", "in use")
    expect(page.locator("#status")).not_to_contain_text("not in use", use_inner_text=True)
    shot("adapter")


def read_the_advice(page: Any, shot: Shot) -> None:
    """Advisor: what the documents need, and the nine questions behind it."""
    steps.open_tab(page, "Advisor")
    page.wait_for_selector("#advice-verdict .verdict")
    says(page, "#advice-verdict", "No lab has been run: it is a guess so far.")
    expect(page.locator("#advice-questions ol").first.locator("> li")).to_have_count(9)
    says(page, "#status", "in use")
    shot("advisor", height=628)  # below it are paths of this machine


def says(page: Any, part: str, text: str, timeout: float = PATIENCE) -> None:
    """Wait until a part of the page says something."""
    page.wait_for_function(
        "([part, text]) => document.querySelector(part)?.innerText.includes(text)", arg=[part, text], timeout=timeout
    )


def _elsewhere(url: str, graft: GraftProcess) -> str:
    """What is left of an address that is not of the page itself."""
    return "" if url.startswith((graft.base_url, "data:", "blob:")) else url
