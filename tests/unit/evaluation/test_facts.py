"""What prose has to say as it stands: numbers, identifiers, labelled values; nothing that the question gave away."""

import pytest

from evaluation.facts import says_facts

CHECK = "- **Level:** Error\n- **Message:** One two three four five."
CARD = "## B107\n1. Switch it off\n2. Brush the grille\n\n**Handled by:** customer"


@pytest.mark.parametrize(
    ("expected", "found", "says"),
    [
        ("The antenna extension costs 25 euros.", "It is 25 euros.", True),
        ("The antenna extension costs 25 euros.", "The antenna extension costs 47 euros.", False),
        ("It takes 1,390 euros.", "It takes 1390 euros.", False),  # written otherwise is another word
        ("Reseat the grey plug X4.", "Reseat the grey plug x4 first.", True),
        ("Reseat the grey plug X4.", "Reseat the grey plug.", False),
        ("Version 5.0.3 mends 2 things.", "It mends 2 things.", True),  # the question names the version
        ("Clean the vents.", "Anything at all.", None),
        (CARD, CARD.replace("1. ", "- ").replace("2. ", "- "), True),
        (CARD, CARD.replace("customer", "installer"), False),
        (CARD, "## B107\nSwitch it off, brush the grille.", False),
        (CHECK, CHECK.replace("five", "six"), True),
        (CHECK, CHECK.replace("Error", "Warning"), False),
    ],
)
def test_facts_are_said_or_not(expected, found, says):
    assert says_facts(expected, found, "What about 5.0.3 and B107?") is says
