"""HTML of the selector of domains in the masthead: links, so that each can be opened in a tab, kept and sent."""

from collections.abc import Sequence

from ui.language import t
from ui.language_choice import page_address
from ui.places import Signpost, at, place
from ui.safe_html import escape


def domains_html(domains: Sequence[Signpost]) -> str:
    """The selector, on the page of one of `domains`; nothing where it is the only one. The language is kept."""
    if len(domains) < 2:
        return ""
    items = "".join(_item(domain) for domain in domains)
    return (
        f'<nav class="domains" aria-label="{escape(t("Topics"))}"><details class="menu">'
        f"<summary>{escape(t('Change topic'))}</summary><ul>{items}</ul></details></nav>"
    )


def _item(domain: Signpost) -> str:
    current = ' aria-current="page"' if domain.place == place() else ""
    with at(domain.place):
        address = page_address()
    about = f'<span class="about">{escape(domain.description)}</span>' if domain.description else ""
    return f'<li><a href="{escape(address)}"{current}><b>{escape(domain.title)}</b>{about}</a></li>'
