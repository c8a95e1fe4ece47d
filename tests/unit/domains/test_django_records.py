"""Records: fields word for word, quotes that are unique, and nothing unclean."""

import textwrap

from domains.django.django_docs.markdown import first_sentence, fold, sections
from domains.django.django_docs.records import Record, derive


def records(path: str, text: str, *names: tuple[str, str]) -> dict[str, Record]:
    page = textwrap.dedent(text).lstrip("\n")
    found = derive({path: page}, {path: set(names)})
    for record in found:
        assert fold(page).count(record.quote) == 1
    return {record.id: record for record in found}


def test_a_sentence_ends_at_a_full_stop_that_is_no_abbreviation() -> None:
    assert first_sentence("Holds `a.b. C`, e.g. Red or i.e. blue. More.") == "Holds `a.b. C`, e.g. Red or i.e. blue."
    assert first_sentence("About 2.5 of etc. things. Next.") == "About 2.5 of etc. things."
    assert first_sentence("Runs the following checks:") == "Runs the following checks"


def test_sections_know_their_path_and_ignore_headings_in_code() -> None:
    found = sections("# A\n\none\n\n## B\n\n```\n# no heading\n\n## neither\n```\n\n## C\n")
    assert [(s.path, s.heading, len(s.blocks)) for s in found] == [((), "A", 1), (("A",), "B", 1), (("A",), "C", 0)]


def test_checks_take_their_level_from_the_letter() -> None:
    found = records(
        "ref/checks.md",
        """
        # Checks

        - **shop.E001**: A basket must have a `size`.
        - **shop.W002**: `<basket>` is empty.
        - **shop**: not a check.
        """,
    )
    assert found["check:shop.E001"].fields == {
        "id": "shop.E001",
        "level": "Error",
        "message": "A basket must have a `size`.",
    }
    assert found["check:shop.W002"].fields["level"] == "Warning"
    assert found["check:shop.E001"].quote == "**shop.E001**: A basket must have a `size`."
    assert len(found) == 2


SETTINGS = """
    # Settings

    ## `COLOUR`

    Default: `'red'` (Bright)

    The colour of the shop. It may change.

    ## `SHOP`

    Default: `{}`

    A dictionary of shops.

    ### `PLACE`

    Setting: `SHOP-PLACE`

    Default: `None`

    This is a London-specific setting.

    Where the shop stands.

    ## `LIST`

    Default: see below

    A list.

    ## `CODE`

    Default:

    ```
    {}
    ```

    A thing.
    """


def test_settings_have_default_and_first_sentence() -> None:
    names = [("setting", name) for name in ("COLOUR", "SHOP", "SHOP-PLACE", "LIST", "CODE")]
    found = records("ref/settings.md", SETTINGS, *names)
    assert found["setting:COLOUR"].fields == {
        "name": "COLOUR",
        "default": "`'red'` (Bright)",
        "summary": "The colour of the shop.",
    }
    assert found["setting:COLOUR"].quote == "Default: `'red'` (Bright) The colour of the shop."
    nested = found["setting:SHOP:PLACE"]
    assert nested.fields["summary"] == "Where the shop stands."
    assert nested.display == "PLACE in SHOP"
    assert found.keys() == {"setting:COLOUR", "setting:SHOP", "setting:SHOP:PLACE"}


def test_headings_that_no_directive_names_are_no_settings() -> None:
    assert records("ref/settings.md", SETTINGS) == {}


def test_a_name_that_is_both_tag_and_filter_is_told_by_its_place() -> None:
    text = """
        # Things

        ## Template tags

        ### `glow`

        Lights the block.

        ## Template filters

        ### `glow`

        Lights the value.
        """
    found = records("x.md", text, ("templatetag", "glow"), ("templatefilter", "glow"))
    assert found["builtin:tag:glow"].fields == {"name": "glow", "kind": "tag", "summary": "Lights the block."}
    assert found["builtin:filter:glow"].fields["summary"] == "Lights the value."


def test_options_need_a_command_above_and_quotes_grow_until_unique() -> None:
    text = """
        # Commands

        ## `paint`

        ### `--quiet, -q`

        *New in Django 5.2.*

        Says nothing. Not even at the end.

        ### `--all`

        Supported walls are:

        ## `wash`

        ### `--quiet, -q`

        Says nothing. Unless asked.
        """
    found = records("x.md", text)
    assert found["option:paint:--quiet"].fields == {
        "command": "paint",
        "option": "--quiet, -q",
        "summary": "Says nothing.",
    }
    assert found["option:paint:--quiet"].quote == "Says nothing. Not even at the end."
    assert found["option:wash:--quiet"].quote == "Says nothing. Unless asked."
    assert "option:paint:--all" not in found


def test_long_values_and_links_are_left_out() -> None:
    text = f"""
        # Checks

        - **shop.E001**: {"word " * 50}.
        - **shop.E002**: See [here](https://x.example/).
        - **shop.E003**: Fine.
        """
    assert records("ref/checks.md", text).keys() == {"check:shop.E003"}
