"""The converter: what a reader of the Markdown sees, and that no raw markup is left."""

import re
import textwrap

import pytest

from domains.django.django_docs.blocks import Page
from domains.django.django_docs.inline import inline
from domains.django.django_docs.links import Links, page_links, scan_titles


def convert(source: str, **others: str) -> str:
    pages = {"page": textwrap.dedent(source).lstrip("\n"), **{k: textwrap.dedent(v) for k, v in others.items()}}
    titles, labels = scan_titles(pages)
    return Page(page_links("page", pages["page"], titles, labels)).convert(pages["page"])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("the :setting:`COLOUR` setting", "the `COLOUR` setting"),
        (":setting:`PLACE <SHOP-PLACE>`", "`PLACE`"),
        (":class:`~shop.models.Basket`", "`Basket`"),
        (":meth:`.Basket.fill`", "`Basket.fill()`"),
        (":meth:`what a basket is <shop.Basket>`", "what a basket is"),
        (":doc:`the guide </topics/x>`", "the guide"),
        (":ticket:`12`, :rfc:`9110#section-4`, :pep:`8`", "#12, RFC 9110 section 4, PEP 8"),
        ("``Field``\\s and ``a\nb``", "`Field`s and `a b`"),
        ("``'``:class:`shop.Basket`\\ ``'``", "`'shop.Basket'`"),
        ("``a `tick` b``", "`` a `tick` b ``"),
        ("`a page <https://x.example/>`_ and \\*nix", "[a page](https://x.example/) and *nix"),
        ("self.__class__ and name_ stay", "self.__class__ and name_ stay"),
    ],
)
def test_inline_markup(source: str, expected: str) -> None:
    assert inline(source, Links()) == expected


def test_bare_references_become_the_titles_they_point_at() -> None:
    page = """
        Start
        =====

        See :doc:`other`, :ref:`deep-label` and :ref:`nowhere-known`. Also shop_ and `the shop`_.

        .. _shop: https://shop.example/
        .. _the shop: shop_
        """
    other = "Other page\n==========\n\n.. _deep-label:\n\nDeep ``part``\n-------------\n"
    text = convert(page, other=other)
    assert "See Other page, Deep `part` and nowhere known." in text
    assert "Also [shop](https://shop.example/) and [the shop](https://shop.example/)." in text


def test_headings_follow_the_order_in_which_their_styles_appear() -> None:
    source = "=====\nTitle\n=====\n\nPart\n====\n\nDeeper\n------\n\nNext\n====\n"
    assert convert(source).split("\n\n") == ["# Title", "## Part", "### Deeper", "## Next\n"]


def test_a_naming_directive_is_dropped_when_its_heading_says_the_same() -> None:
    source = """
        Settings
        ========

        .. setting:: COLOUR

        ``COLOUR``
        ----------

        Default: ``'red'``

        .. setting:: SHOP-PLACE

        ``PLACE``
        ---------

        Where it stands.
        """
    text = convert(source)
    assert "## `COLOUR`\n\nDefault: `'red'`" in text
    assert "## `PLACE`\n\nSetting: `SHOP-PLACE`\n\nWhere it stands." in text


def test_options_are_headings_and_share_text_when_they_follow_each_other() -> None:
    source = """
        Commands
        ========

        ``paint``
        ---------

        .. django-admin:: paint [wall]

        Paints.

        .. django-admin-option:: --thick, -t

        Twice.

        .. django-admin-option:: --from FROM
        .. django-admin-option:: --to TO

        Between walls.
        """
    text = convert(source)
    assert "## `paint`\n\nCommand: `paint [wall]`\n\nPaints." in text
    assert "### `--thick, -t`\n\nTwice." in text
    assert "### `--from FROM`, `--to TO`\n\nBetween walls." in text


def test_an_object_is_a_heading_only_where_it_swallows_nothing() -> None:
    source = """
        Classes
        =======

        .. class:: Basket(size)

            Holds things.

            .. method:: fill(*things)

                Fills it.

        .. function:: weigh(basket)

            In grams.

        More about both.
        """
    text = convert(source)
    assert "## `class Basket(size)`\n\nHolds things." in text
    assert "### `fill(*things)`\n\nFills it." in text
    assert "**`weigh(basket)`**\n\nIn grams.\n\nMore about both." in text


def test_boxes_versions_lists_and_code() -> None:
    source = """
        .. note::
            Mind the gap.

            * one
            * two, which
              goes on

        .. versionadded:: 5.2

        .. admonition:: Why?

            Because.

        Example::

            x = 1

        .. code-block:: python
            :caption: ``shop.py``

            y = 2

        term
            What it means.
        """
    text = convert(source)
    assert "> **Note:** Mind the gap.\n>\n> - one\n> - two, which goes on" in text
    assert "*New in Django 5.2.*" in text
    assert "> **Why?** Because." in text
    assert "Example:\n\n```\nx = 1\n```" in text
    assert "`shop.py`:\n\n```python\ny = 2\n```" in text
    assert "- **term**: What it means." in text


def test_tables_keep_one_row_per_line() -> None:
    source = """
        ========  =================
        Name      Meaning
        ========  =================
        ``a``     First, and it
                  goes on
        ``b|c``   Second
        ========  =================
        """
    assert convert(source).splitlines() == [
        "| Name | Meaning |",
        "| --- | --- |",
        "| `a` | First, and it goes on |",
        "| `b\\|c` | Second |",
    ]


def test_nothing_raw_is_left_over() -> None:
    source = """
        Title
        =====

        .. currentmodule:: shop
        .. index:: shop
        .. _label:
        .. A comment.

        .. image:: _images/x.png
            :alt: A basket

        .. toctree::
            :hidden:

            other

        .. unheard-of:: Something

            Its text, with :exc:`~shop.Error`.
        """
    text = convert(source)
    assert not re.search(r"^\s*\.\. |:[a-z]+:`", text, re.MULTILINE)
    assert "A basket" in text
    assert "Its text, with `Error`." in text
    assert "comment" not in text
