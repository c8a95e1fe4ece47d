"""Somebody whose browser is attacked through the page: what is watched there, and what must not have happened."""

from typing import Any

from tests.browser import steps
from tests.support.spy_server import SpyServer

WATCHED = """
window.__ran = window.__ran ?? [];
document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
    (window.__stopped ??= []).push(effectiveDirective);
});
"""
# As careless code would: each text as markup, its scripts run. What leads nowhere else is clicked.
UNESCAPED = """texts => {
    for (const text of texts) {
        const box = document.createElement("div");
        document.body.append(box);
        box.append(document.createRange().createContextualFragment(text));
        for (const element of box.querySelectorAll("a, [formaction]")) {
            if (/^(javascript|data):/.test(element.href || element.formAction)) element.click();
        }
    }
}"""
# Parts of the page that could do something by themselves or when clicked. Gradio's own markup has none of them there.
_ALIVE = """roots => {
    const outside = (value) => {
        try {
            return new URL(value, location.href).origin !== location.origin;
        } catch {
            return true;
        }
    };
    const leads = /^(src|srcset|href|xlink:href|action|formaction|data|poster|background|ping|srcdoc)$/i;
    const active = /^(script|iframe|frame|object|embed|link|meta|base|form)$/i;
    const fetches = /url\\(|image-set|@import/i;
    const found = [];
    for (const root of document.querySelectorAll(roots)) {
        for (const element of root.querySelectorAll("*")) {
            const loads = (attribute) => /^on/i.test(attribute.name)
                || (leads.test(attribute.name) && outside(attribute.value))
                || (attribute.name === "style" && fetches.test(attribute.value));
            // Gradio's icons have styles of their own.
            const styles = element.localName === "style" && fetches.test(element.textContent);
            if (styles || active.test(element.localName) || [...element.attributes].some(loads)) {
                found.push(element.outerHTML.slice(0, 200));
            }
        }
    }
    return found;
}"""


class Victim:
    """A page in a browser of its own; `user` is who the server takes it for."""

    def __init__(self, context: Any, url: str, spy: SpyServer) -> None:
        self.url, self._spy = url, spy
        self.dialogs: list[str] = []
        self._elsewhere: list[str] = []
        context.add_init_script(WATCHED)
        context.on("request", lambda request: self._note(request.url))
        context.on("dialog", self._dismiss)
        self.page = context.new_page()
        self.page.set_default_timeout(steps.PATIENCE_MS)

    def come(self) -> None:
        """Open the page, as for the first time."""
        steps.open_page(self.page, self.url)

    @property
    def user(self) -> str:
        (value,) = (cookie["value"] for cookie in self.page.context.cookies() if cookie["name"] == "graft_user")
        return value.partition(".")[0]

    def assert_unharmed(self) -> None:
        """Nothing ran, nothing could, nobody was told. Not even the policy had anything to stop."""
        self.page.wait_for_timeout(1000)  # for what loads or fails a moment later
        assert self.page.evaluate("window.__ran") == []
        alive = self.page.evaluate(_ALIVE, "#pages, #masthead, #status")
        assert not alive, alive
        assert self._elsewhere == []
        assert self._spy.connections == 0
        assert self.dialogs == []
        assert self.page.url.startswith(f"{self.url}/")
        assert self.page.evaluate("window.__stopped ?? []") == []

    def _note(self, url: str) -> None:
        if not url.startswith((f"{self.url}/", "data:", "blob:")):
            self._elsewhere.append(url)

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()
