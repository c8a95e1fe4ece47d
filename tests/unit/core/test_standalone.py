"""Follow-up questions, as people write them: what they lean on is put in, what stands alone is left alone."""

import pytest

from core.standalone import standalone_question

RESET = "How do I reset the inverter?"
AGE = "What is the default of CSRF_COOKIE_AGE?"
PRUNE = "When do I prune a quince?"
WARTEN = "Wie warte ich den Wechselrichter?"


@pytest.mark.parametrize(
    ("before", "question"),
    [
        (RESET, "Why?"),
        (RESET, "why not"),
        (RESET, "How long does it take?"),
        (RESET, "What does it do afterwards?"),
        (RESET, "Is that safe?"),
        (RESET, "Does that work at night?"),
        (RESET, "And then?"),
        (RESET, "What if they fail?"),
        (RESET, "How often?"),
        (RESET, "Since when?"),
        (RESET, "And for the second one?"),
        (RESET, "Is there a video of this?"),
        (RESET, "How do I reset it after the update?"),
        (RESET, "Which one is faster?"),
        (RESET, "For Windows?"),
        (RESET, "without a key?"),
        (RESET, "What are its limits?"),
        (RESET, "Is the same true at night?"),
        (RESET, "What happens after that?"),
        (AGE, "Can I change it?"),
        (AGE, "What happens when they expire?"),
        (WARTEN, "Warum?"),
        (WARTEN, "Wie lange dauert das?"),
        (WARTEN, "Was brauche ich dafür?"),
        (WARTEN, "Und der zweite?"),
        (WARTEN, "Kann ich ihn selbst öffnen?"),
        (WARTEN, "Wie oft muss er gewartet werden?"),
        (WARTEN, "Was bedeutet diese Meldung?"),
        ("逆变器怎么重置？", "它需要多长时间？"),
        ("逆变器怎么重置？", "这个安全吗？"),
    ],
)
def test_what_leans_on_the_last_question_is_joined_with_it(before, question):
    assert standalone_question(question, ["Something else?", before]) == f"{before} {question}"


@pytest.mark.parametrize(
    "question",
    [
        "What does migrate --fake-initial do?",
        "Which setting says that emails are sent?",
        "Is it possible to charge the car at night?",
        "Does it matter which cable I use for the car?",
        "How do I open the battery and clean it?",
        "If the inverter is off, how do I restart it?",
        "Which template filter picks a random item from a list?",
        "What is fields.E003, and does it stop the server?",
        "delivery times",
        "warranty of the battery?",
        "Which error tells me that the fan is blocked?",
        "Is one charger enough for two cars?",
        "Where can I find the serial number?",
        "How many batteries can be joined?",
        "Gibt es eine Garantie auf die Batterie?",
        "Wo steht die Seriennummer?",
        "Wie groß ist das Gehäuse?",
        "Können Sie mir die Preise nennen?",
        "保修期是多久？",
        "",
    ],
)
def test_what_stands_alone_is_left_alone(question):
    assert standalone_question(question, [RESET]) == question


@pytest.mark.parametrize(
    ("before", "question", "alone"),
    [
        (AGE, "And CSRF_COOKIE_NAME?", "What is the default of CSRF_COOKIE_NAME?"),
        (AGE, "what about SESSION_COOKIE_AGE", "What is the default of SESSION_COOKIE_AGE?"),
        (AGE, "and of `TIME_ZONE`?", "What is the default of `TIME_ZONE`?"),
        (PRUNE, "What about sage?", "When do I prune sage?"),
        (PRUNE, "and the old roses?", "When do I prune the old roses?"),
        ("How do I reset the HX-200 inverter?", "And the HX-300?", "How do I reset the HX-300 inverter?"),
        (WARTEN, "Und die Batterie?", "Wie warte ich die Batterie?"),
        (WARTEN, "Was ist mit dem Zähler?", "Wie warte ich dem Zähler?"),
        ("What does E101 mean?", "How about E102?", "What does E102 mean?"),
        ("逆变器怎么重置？", "那电池呢？", "逆变器怎么重置？ 那电池呢？"),
        ("Is sage hardy in winter?", "And mint?", "Is sage hardy in winter? And mint?"),
    ],
)
def test_an_aside_asks_the_last_question_of_something_else(before, question, alone):
    assert standalone_question(question, [before]) == alone


def test_an_aside_with_a_verb_is_a_question_of_its_own():
    assert standalone_question("And where is the fuse?", [RESET]) == "And where is the fuse?"


def test_what_the_last_question_leaned_on_is_carried_along():
    assert standalone_question("Why?", [RESET, "How long does it take?"]) == f"{RESET} How long does it take? Why?"
    assert standalone_question("And CSRF_COOKIE_PATH?", [AGE, "And CSRF_COOKIE_NAME?"]) == (
        "What is the default of CSRF_COOKIE_PATH?"
    )


def test_a_long_conversation_does_not_grow_without_end():
    history = [RESET] + ["And how long does it take when the other ones are on?"] * 30
    assert len(standalone_question("Why is it so?", history).split()) <= 45


def test_without_history_nothing_is_added():
    assert standalone_question("  What\n does it do? ", []) == "What does it do?"
