"""What a person does on the chat page, as functions. Work on the fake service and on a real one alike."""

from typing import Any

# An answer by a small model on two busy cores may take its time.
PATIENCE_MS = 120_000


def new_page(browser: Any, **options: Any) -> Any:
    """A page in a window of its own, as patient as a busy machine needs; `options` are those of a browser's context."""
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(PATIENCE_MS)
    return page


def open_page(page: Any, url: str) -> None:
    """Open the page and wait until a question can be typed."""
    page.goto(url)
    page.wait_for_selector("#question textarea")
    page.wait_for_selector("#status .cell")


def open_tab(page: Any, name: str) -> None:
    """Open a page of the workbench; on a narrow screen it stands in the menu of those that find no room."""
    tab = page.locator("#pages > .tab-wrapper").get_by_role("tab", name=name, exact=True)
    menu = page.locator("#pages .overflow-menu > button")
    page.wait_for_function("document.querySelector('#pages .tab-container [role=tab]')")
    if not tab.is_visible() and menu.is_visible():
        menu.click()
        page.locator("#pages .overflow-dropdown button", has_text=name).click()
    else:
        tab.click()


def wait_until_ready(page: Any, timeout_ms: float = PATIENCE_MS) -> None:
    """Wait until the page takes questions."""
    page.wait_for_selector("#send:not([disabled])", timeout=timeout_ms)


def start_asking(page: Any, text: str) -> None:
    """Type a question and press Enter; returns when the answer has begun."""
    answers = page.locator("#conversation .answer")
    before = answers.count()
    page.fill("#question textarea", text)
    page.press("#question textarea", "Enter")
    answers.nth(before).wait_for()


def wait_for_answer(page: Any, timeout_ms: float = PATIENCE_MS) -> None:
    """Wait until the last answer is complete, stopped or failed."""
    page.wait_for_selector("#conversation .answer:not(.running)", timeout=timeout_ms)
    page.wait_for_selector("#conversation .answer.running", state="detached", timeout=timeout_ms)


def ask(page: Any, text: str, timeout_ms: float = PATIENCE_MS) -> str:
    """Ask a question, wait for the whole answer and return its text."""
    start_asking(page, text)
    wait_for_answer(page, timeout_ms)
    return answer_text(page)


def answer_text(page: Any) -> str:
    """The text of the last answer, without marks, badge and footer."""
    return page.locator("#conversation .answer").last.evaluate(
        """answer => {
            const copy = answer.cloneNode(true);
            copy.querySelectorAll('.foot, .mark').forEach((part) => part.remove());
            return copy.textContent.trim();
        }"""
    )


def badge(page: Any) -> str:
    """The badge of the last answer, or an empty string."""
    badges = page.locator("#conversation .answer").last.locator(".badge")
    return " ".join(badges.all_inner_texts())


def error_text(page: Any) -> str:
    """The error in place of the last answer, or an empty string."""
    last = page.locator("#conversation .answer").last
    return last.inner_text() if "failed" in (last.get_attribute("class") or "") else ""


def choose(page: Any, label: str, value: str) -> None:
    """Choose `value` (as shown) in the setting called `label`, be it a dropdown, buttons or a tick (`on`, `off`)."""
    group = page.locator("#settings fieldset").filter(has=page.locator(f'span:text-is("{label}")'))
    if group.count():
        group.locator("label").filter(has_text=value).first.locator("input").check(force=True)
        page.wait_for_timeout(300)
        return
    box = page.get_by_role("combobox", name=label, exact=True)
    if box.count():
        box.click()
        page.get_by_role("option", name=value, exact=True).click()
        page.wait_for_timeout(300)
        return
    tick = page.get_by_label(label, exact=True)
    tick.set_checked(value == "on")


def choices(page: Any, label: str) -> list[str]:
    """What the dropdown called `label` offers."""
    box = page.get_by_role("combobox", name=label, exact=True)
    box.click()
    page.wait_for_selector("[role=option]")
    names = [option.get_attribute("aria-label") for option in page.get_by_role("option").all()]
    page.keyboard.press("Escape")
    box.blur()  # a dropdown in focus shows no update
    return names


def chosen(page: Any, label: str) -> str:
    """What the dropdown called `label` stands at."""
    return page.get_by_role("combobox", name=label, exact=True).input_value()


def sources(page: Any) -> list[dict[str, Any]]:
    """The passages in the sources panel, in order: number, file, locator, cited, text, and the marked quote or None."""
    return page.locator("#sources .sources.current .source").evaluate_all(
        """items => items.map((item) => ({
            number: Number(item.querySelector('.number').textContent),
            file: item.querySelector('.file').textContent,
            locator: item.querySelector('.locator')?.textContent ?? '',
            cited: item.classList.contains('cited'),
            text: item.querySelector('.passage').textContent,
            quote: item.querySelector('mark')?.textContent ?? null,
        }))"""
    )


def status_line(page: Any) -> str:
    """The line under the question box."""
    return page.locator("#line .line").inner_text()


def stop(page: Any) -> None:
    """Press Stop and wait until the answer has ended."""
    page.click("#stop")
    page.wait_for_selector("#conversation .answer.running", state="detached")
