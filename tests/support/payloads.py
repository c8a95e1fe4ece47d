"""Texts that would run a script, or tell another server, if a page took them for markup: for tests of the page.

Made by joining parts: what runs or loads, in every disguise, and what Markdown, templates and parsers make of text.
Each has a number, which it pushes onto the page's `__ran` when it runs, and asks the server at `spy` for when it loads.
"""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

_NUMBER, _URL, _JS = "NUMBER", "URL", "JS"
_RUN = "parent.__ran.push(NUMBER)"
_DATA = "data:text/html;base64,DATA"

RUNNING = (
    "<script>JS</script>",
    "<img src=x onerror=JS>",
    "<svg onload=JS></svg>",
    "<svg><script>JS</script></svg>",
    "<svg><animate attributeName=x dur=1s onbegin=JS></svg>",
    "<svg><style onload=JS></style></svg>",
    "<input autofocus onfocus=JS>",
    "<details open ontoggle=JS>x</details>",
    "<video><source onerror=JS></video>",
    "<audio src=x onerror=JS></audio>",
    '<iframe srcdoc="<script>JS</script>"></iframe>',
    '<iframe src="javascript:JS"></iframe>',
    "<iframe onload=JS></iframe>",
    '<object data="javascript:JS"></object>',
    '<embed src="javascript:JS">',
    "<body onload=JS>",
    "<style onload=JS>b{}</style>",
    "<link rel=stylesheet href=x onerror=JS>",
    '<style>@keyframes k{}</style><b style="animation-name:k" onanimationstart=JS>b</b>',
    '<a href="javascript:JS" autofocus tabindex=0 onfocus=JS>x</a>',
    "<form><button formaction=javascript:JS autofocus onfocus=JS>x</button></form>",
    "<math><mtext><img src=x onerror=JS></mtext></math>",
)
LOADING = (
    '<img src="URL">',
    '<img srcset="URL 1x, URL 2x">',
    '<picture><source srcset="URL"><img></picture>',
    '<video poster="URL" src="URL" autoplay></video>',
    '<audio src="URL" autoplay></audio>',
    '<video><track default src="URL"></video>',
    '<input type=image src="URL">',
    '<table background="URL"><td background="URL">x</table>',
    '<iframe src="URL"></iframe>',
    '<object data="URL"></object>',
    '<embed src="URL">',
    '<script src="URL"></script>',
    '<script type=module>import "URL"</script>',
    '<link rel=stylesheet href="URL">',
    '<link rel=icon href="URL">',
    '<link rel=prefetch href="URL">',
    '<link rel=preload as=image href="URL">',
    '<link rel=modulepreload href="URL">',
    "<style>@import 'URL';</style>",
    "<style>*{background:url(URL)}</style>",
    "<style>@font-face{font-family:f;src:url(URL)}b{font-family:f}</style><b>x</b>",
    '<b style="background:url(URL)">x</b>',
    "<b style=\"background:image-set('URL' 1x)\">x</b>",
    '<b style="content:url(URL)">x</b>',
    '<li style="list-style-image:url(URL)">x</li>',
    '<b style="background:u\\72l(URL)">x</b>',
    '<b style="cursor:url(URL),auto">x</b>',
    '<svg><image href="URL" width=9 height=9></svg>',
    '<svg><image xlink:href="URL" width=9 height=9></svg>',
    '<svg><filter id=f><feImage href="URL"></filter><rect width=9 height=9 filter="url(#f)"></svg>',
    '<svg><use href="URL#x"></svg>',
    '<svg><rect width=9 height=9 fill="url(URL#x)"></svg>',
    '<a href="URL" ping="URL">x</a>',
    '<form action="URL"><input name=q></form>',
    '<base href="URL/">',
)
# No policy of a page governs these: that text is escaped is all that holds them.
LEAVING = (
    '<meta http-equiv=refresh content="0;url=URL">',
    '<link rel=preconnect href="URL">',
    '<link rel=dns-prefetch href="URL">',
)
MARKDOWN = (
    "![x](URL)",
    "![x](<URL>)",
    '![x](URL "title")',
    "![](URL)",
    "[![x](URL)](URL)",
    "![x][rNUMBER]\n\n[rNUMBER]: URL",
    "![x](data:image/svg+xml;base64,DATA)",
    "![x](javascript:JS)",
    '![x" onerror="JS](x)',
    "[x](URL)",
    "<URL>",
    "URL",
    "[x](javascript:JS)",
    "[x](JaVaScRiPt:JS)",
    "[x](&#106;avascript:JS)",
    "[x](javascript&colon;JS)",
    "[x](<java\tscript:JS>)",
    "[x](vbscript:JS)",
    f"[x]({_DATA})",
    "<javascript:JS>",
    "[1](javascript:JS)",
    "[1, 2](javascript:JS)",
    '[x](URL "\\" onmouseover=JS")',
    "[xNUMBER]\n\n[xNUMBER]: javascript:JS 'title'",
    "```html\n<img src=x onerror=JS>\n```",
    "```x\"onload='JS'\nx\n```",
    "`<img src=x onerror=JS>`",
    "$\\href{javascript:JS}{x}$ $$\\includegraphics{URL}$$",
)
PLACES = ("T", "- T", "> T", "| a |\n|---|\n| T |")
TEMPLATES = (
    "${JS}",
    "{{JS}}",
    "{{constructor.constructor('JS')()}}",
    "{{#with (lookup this 'constructor')}}{{JS}}{{/with}}",
    "{{{JS}}}",
    "{%raw%}{{JS}}{%endraw%}",
    "<%= JS %>",
    "#{JS}",
    "[[JS]]",
    "{@html '<img src=x onerror=JS>'}",
    "{@debug JS}",
    "`${JS}`",
    "\\u003cimg src=x onerror=JS\\u003e",
    "'+JS+'",
    '");JS;//',
    "</script><script>JS//",
    "*/JS/*",
    "<div ng-app ng-csp><b ng-focus=$event.view.JS autofocus tabindex=0>x</b></div>",
    "<div x-data x-init=JS>x</div>",
    '<div hx-get="URL" hx-trigger=load>x</div>',
)
MUTATING = (
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=JS&gt;">',
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=JS>",
    '<svg></p><style><a id="</style><img src=1 onerror=JS>">',
    '<noscript><p title="</noscript><img src=x onerror=JS>">',
    "<svg><style><img src=x onerror=JS></style></svg>",
    '<math><annotation-xml encoding="text/html"><img src=x onerror=JS></annotation-xml></math>',
    '<svg><foreignObject><iframe srcdoc="<script>JS</script>"></iframe></foreignObject></svg>',
    "<xmp><svg><b><style></xmp><img src=x onerror=JS>",
    "<select><iframe></select><img src=x onerror=JS>",
    '<title><a title="</title><img src=x onerror=JS>"></a></title>',
    '<textarea><a title="</textarea><img src=x onerror=JS>"></a></textarea>',
    "<style><style/><img src=x onerror=JS>",
    "<template><script>JS</script></template>",
    "<listing>&lt;img src=x onerror=JS&gt;</listing>",
    '<img src="x` `<script>JS</script>"` `>',
    "<table><a href=javascript:JS><img src=x onerror=JS>",
    '<b><!--<img src="--><img src=x onerror=JS>',
    "<![CDATA[<img src=x onerror=JS>]]>",
    "<?xml version='1.0'?><img src=x onerror=JS>",
    "<scr<script>ipt>JS</scr</script>ipt><img src=x onerror=JS>",
)


def _swapped_case(text: str) -> str:
    return re.sub(r"<(/?)(\w+)", lambda tag: f"<{tag[1]}{tag[2].swapcase()}", text)


def _numeric(text: str) -> str:
    return "".join(f"&#{ord(sign)};" if sign in "<>\"'=" else sign for sign in text)


# Ways in: past a filter, out of an attribute, an element, a comment, a script, a code block.
DISGUISES: tuple[Callable[[str], str], ...] = (
    lambda text: text,
    _swapped_case,
    lambda text: f'">{text}',
    lambda text: f"'>{text}",
    lambda text: f"-->{text}<!--",
    lambda text: f"</textarea></title></style></script>{text}",
    lambda text: f"</code></pre></div></li></ol></section>{text}",
    lambda text: text.replace(" ", "/"),
    lambda text: text.replace(" ", "\n"),
    lambda text: text.replace(">", ""),
    lambda text: f"<{text}",
    lambda text: text.replace("<", "&lt;").replace(">", "&gt;"),
    _numeric,
    lambda text: text.replace("<", "%3C").replace(">", "%3E"),
    lambda text: text.replace("<", "\\u003c").replace(">", "\\u003e"),
    lambda text: f"<b>**{text}**</b>",
    lambda text: f"[{text}](x)",
)
_ADDRESSES: tuple[Callable[[str], str], ...] = (
    lambda url: url,
    lambda url: url.removeprefix("http:"),
    lambda url: url.replace("http://", "hT\ttP:\\\\"),
    lambda url: url.replace(":", "&#58;").replace("/", "&#x2f;"),
)


@dataclass(frozen=True)
class Payload:
    """One text. `leaving`: it would open another page or connection, which no content security policy forbids."""

    number: int
    text: str
    leaving: bool = False


def payloads(spy: str) -> list[Payload]:
    """All of them, each once; `spy` is the address of a server that none of them may reach."""
    texts = [(text, False) for text in _templates()] + [(text, True) for text in LEAVING]
    found = [Payload(number, _filled(text, number, spy), leaving) for number, (text, leaving) in enumerate(texts)]
    for number, (text, address) in enumerate(product(LOADING, _ADDRESSES), start=len(found)):
        found.append(Payload(number, _filled(text, number, spy, address)))
    return found


def _templates() -> Iterator[str]:
    yield from (disguise(text) for text in RUNNING for disguise in DISGUISES)
    yield from (place.replace("T", text) for text in MARKDOWN for place in PLACES if place == "T" or "\n" not in text)
    yield from TEMPLATES
    yield from MUTATING


def _filled(text: str, number: int, spy: str, address: Callable[[str], str] = lambda url: url) -> str:
    js, url = _RUN.replace(_NUMBER, str(number)), address(f"{spy}/{number}")
    data = base64.b64encode(f"<script>{js}</script>".encode()).decode()
    return text.replace("DATA", data).replace(_NUMBER, str(number)).replace(_URL, url).replace(_JS, js)
