"""How people ask: question templates per kind, for things that are named and things that are only described.

`seen` wordings occur in both files, `unseen` ones in the test set alone. `{Symptom}` and `{Described}` are capitalised.
Statements and pairs have hand-written questions instead, in the facts.
"""

from typing import Literal

Naming = Literal["named", "described"]
Wording = Literal["seen", "unseen"]

WORDINGS: dict[str, dict[Naming, dict[Wording, tuple[str, ...]]]] = {
    "ticket": {
        "named": {
            "seen": (
                "Open a ticket for {code}.",
                "A customer reports {code}. Write the ticket.",
                "Ticket for code {code}, please.",
                "{code} on the display. Make a ticket.",
                "Please log {code} as a ticket.",
                "New ticket: {code}",
                "The app of a customer shows {code}. File it.",
                "Turn {code} into a ticket.",
                "I have {code} on the phone. Ticket?",
            ),
            "unseen": (
                "Can you put {code} into the system for me?",
                "A caller reads out {code}. I need the ticket fields.",
                "Draft the entry for error {code}.",
                "{code} came in by chat, please register it.",
            ),
        },
        "described": {
            "seen": (
                "A customer says that {symptom}. Open a ticket.",
                "Ticket, please: {symptom}.",
                "Write a ticket. {Symptom}.",
                "I have a caller: {symptom}. Log it.",
                "{Symptom}. Which ticket do I file?",
                "Make a ticket for this: {symptom}.",
            ),
            "unseen": (
                "Somebody writes to us that {symptom}. What goes into the ticket?",
                "From the chat: {symptom}. Fill in the fields.",
                "I am told that {symptom}. Register it, please.",
            ),
        },
    },
    "runbook": {
        "named": {
            "seen": (
                "Runbook for {code}.",
                "Write the runbook for {code}.",
                "What are the steps for {code}?",
                "Step by step: how is {code} cleared?",
                "I need the steps for {code}.",
                "How do we handle {code}?",
                "{code} runbook, please.",
                "What do I do about {code}?",
            ),
            "unseen": (
                "Walk me through {code}.",
                "Which steps does the desk take when {code} comes up?",
                "Guide for clearing {code}?",
            ),
        },
        "described": {
            "seen": (
                "Runbook for this case: {symptom}.",
                "What are the steps when {symptom}?",
                "{Symptom}. What is to be done, step by step?",
                "Steps, please: {symptom}.",
                "What do I do when {symptom}?",
            ),
            "unseen": (
                "Give me the procedure for the case that {symptom}.",
                "How does the desk proceed if {symptom}?",
                "{Symptom}. Guide the customer through it.",
            ),
        },
    },
    "code": {
        "named": {
            "seen": (
                "What does {code} mean?",
                "{code}?",
                "Meaning of {code}?",
                "Explain {code} to me.",
                "My display shows {code}. What is it?",
                "Why do I get {code}?",
            ),
            "unseen": ("What is behind the message {code}?", "Could you tell me what {code} is about?"),
        },
        "described": {
            "seen": (
                "Which code means that {symptom}?",
                "Which code do I get when {symptom}?",
                "{Symptom}. Which code is that?",
            ),
            "unseen": ("Under which code do I find this: {symptom}?",),
        },
    },
    "order": {
        "named": {
            "seen": (
                "Order the part {sku}.",
                "Order line for the {part}.",
                "Write the order for {sku}.",
                "Please order one {part}.",
                "Order entry: {sku}",
                "We are out of the {part}. Order one.",
                "One {part}, please. Write the order.",
                "A colleague needs a new {part}. Order it.",
            ),
            "unseen": (
                "Put {sku} on the order sheet.",
                "Can you place one {part} on the list for me?",
                "Restock: {part}",
            ),
        },
        "described": {
            "seen": (
                "Order the part that {purpose}.",
                "I need the part that {purpose}. Write the order.",
                "Which part {purpose}? Order one.",
                "Order entry for the thing that {purpose}.",
            ),
            "unseen": (
                "There must be a part that {purpose}. Put it on the order.",
                "A customer needs the piece that {purpose}. Order line, please.",
            ),
        },
    },
    "price": {
        "named": {
            "seen": (
                "What does the {part} cost?",
                "Price of {sku}?",
                "How much is the {part}?",
                "What do we charge for {sku}?",
                "How much do I pay for the {part}?",
            ),
            "unseen": ("What is the current price of the {part}?", "A customer asks what {sku} costs today."),
        },
        "described": {
            "seen": ("What does the part cost that {purpose}?", "How much is the part that {purpose}?"),
            "unseen": ("Price, please: the part that {purpose}.",),
        },
    },
    "lead time": {
        "named": {
            "seen": (
                "What is the lead time of {sku}?",
                "How long is the lead time of the {part}?",
                "How many days does {sku} take?",
            ),
            "unseen": ("When can I expect the {part} if I order it now?",),
        },
        "described": {"seen": (), "unseen": ()},
    },
    "fit": {
        "named": {
            "seen": ("Which devices does the {part} fit?", "What does {sku} fit?", "Which devices is {sku} for?"),
            "unseen": ("For which devices is the {part} made?",),
        },
        "described": {"seen": (), "unseen": ()},
    },
    "setting": {
        "named": {
            "seen": (
                "Configuration entry for {key}.",
                "Write the configuration entry for {key} on the {device}.",
                "What are default and range of {key}?",
                "{key}: default, range, and who may change it?",
                "Show me the setting {key}.",
                "Settings entry for {key}, please.",
                "Which values can {key} take on the {device}?",
            ),
            "unseen": (
                "Describe {key} as configuration.",
                "I need the sheet entry for {key}.",
                "What is {key} when it leaves the factory, and who can alter it?",
            ),
        },
        "described": {
            "seen": (
                "Which {device} setting do I need to {wish}?",
                "How do I {wish}? I need the {device} setting.",
                "I want to {wish}. Which {device} setting is it?",
                "{device} setting to {wish}?",
            ),
            "unseen": (
                "My customer would like to {wish}. Name the {device} setting.",
                "What do I change on the {device} to {wish}?",
            ),
        },
    },
    "default": {
        "named": {
            "seen": ("What is the default of {key}?", "Default of {key}?", "What is {key} set to at the factory?"),
            "unseen": ("Which value does {key} have if nobody changes it?",),
        },
        "described": {"seen": (), "unseen": ()},
    },
    "profile": {
        "named": {
            "seen": (
                "Configuration for the {profile} profile.",
                "Write out the {profile} profile.",
                "Give me the profile {profile}.",
                "What does the {profile} profile set?",
                "Profile {profile}, please.",
            ),
            "unseen": (
                "I want to load {profile}. What are its values?",
                "Values of the operating profile {profile}?",
            ),
        },
        "described": {
            "seen": (
                "Which profile fits when {described}? Write it out.",
                "{Described}. Which profile do I load?",
                "Configuration, please: {described}.",
                "Which configuration is for us when {described}?",
            ),
            "unseen": (
                "{Described}. Set the system up for that.",
                "What would you configure if {described}?",
            ),
        },
    },
    "release": {
        "named": {
            "seen": (
                "What is new in {release}?",
                "What does {release} add?",
                "What came with {release}?",
                "Release notes of {release}: what is new?",
            ),
            "unseen": ("What did {release} bring?", "Why would I install {release}?"),
        },
        "described": {
            "seen": ("Which version of the {series} {described}?", "Which {series} was it that {described}?"),
            "unseen": ("Since when is there a version of the {series} that {described}?",),
        },
    },
    "bug": {
        "named": {
            "seen": ("What does {release} fix?", "Which bug is gone in {release}?", "What was repaired in {release}?"),
            "unseen": ("Which fault does {release} put right?",),
        },
        "described": {
            "seen": ("Which version of the {series} fixes {fix}?", "I am bothered by {fix}. Which {series} helps?"),
            "unseen": ("In which version of the {series} did {fix} end?",),
        },
    },
    "newest": {
        "named": {
            "seen": ("What is the newest {series}?", "Which version of the {series} is the latest?"),
            "unseen": ("Is there a newer {series}? Tell me the latest number.",),
        },
        "described": {"seen": (), "unseen": ()},
    },
    "term": {
        "named": {
            "seen": (
                'What does "{term}" mean?',
                "What do you mean by {term}?",
                "Explain the word {term}.",
                "Meaning of {term}?",
            ),
            "unseen": ("Could you define {term}?", "A customer asks what the word {term} stands for."),
        },
        "described": {
            "seen": (
                "What do you call {described}?",
                "Which word do we use for {described}?",
                "Is there a word for {described}?",
            ),
            "unseen": ("What is the technical term for {described}?", "I look for the expression for {described}."),
        },
    },
    "procedure": {
        "named": {
            "seen": (
                "Steps to {title}, please.",
                "How do I {title}?",
                "Runbook: {title}.",
                "What are the steps to {title}?",
            ),
            "unseen": ("Take me through it: how do I {title}?", "I want to {title}. List the steps."),
        },
        "described": {"seen": (), "unseen": ()},
    },
    "part for code": {
        "named": {
            "seen": (
                "{code} keeps coming back. Which part belongs to it, and who handles the code?",
                "Which part goes with {code}, and who takes care of that code?",
                "Who handles {code}, and which part is usually ordered for it?",
            ),
            "unseen": ("Tell me the usual part for {code} and whose job the code is.",),
        },
        "described": {"seen": (), "unseen": ()},
    },
    "step and price": {
        "named": {
            "seen": (
                "What is the first step for {code}, and what does the {part} cost?",
                "{code} again: where do I start, and how much is the {part}?",
                "First step for {code} and the price of the {part}, please.",
            ),
            "unseen": ("We have {code}. How do I begin, and what would the {part} cost me?",),
        },
        "described": {"seen": (), "unseen": ()},
    },
    "price and lead time": {
        "named": {
            "seen": (
                "What does the {part} cost, and what is its lead time?",
                "Price and lead time of {sku}?",
                "How much is {sku}, and how many days does it take?",
            ),
            "unseen": ("I need a quote for {sku}: price and lead time.",),
        },
        "described": {"seen": (), "unseen": ()},
    },
    "default and profile": {
        "named": {
            "seen": (
                "What is the default of {key}, and what does the {profile} profile set it to?",
                "{key}: factory value, and value in the {profile} profile?",
            ),
            "unseen": ("Compare {key} at the factory with {key} in the {profile} profile.",),
        },
        "described": {"seen": (), "unseen": ()},
    },
    "fix and step": {
        "named": {
            "seen": (
                "Which version of the {series} fixes {fix}, and what is the first step for {code}?",
                "First step for {code}, and which {series} ends {fix}?",
            ),
            "unseen": ("I see {code}. Which {series} helps against {fix}, and where do I start?",),
        },
        "described": {"seen": (), "unseen": ()},
    },
    "weight and warranty": {
        "named": {
            "seen": (
                "How heavy is the {product}, and how long is its warranty?",
                "Weight and warranty of the {product}?",
            ),
            "unseen": ("What does the {product} weigh, and for how long is it covered?",),
        },
        "described": {"seen": (), "unseen": ()},
    },
}
