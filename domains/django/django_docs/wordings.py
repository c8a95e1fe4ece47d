"""How people ask: question templates per kind, for things that are named and things that are only described.

`seen` wordings occur in both files, `unseen` ones in the test set alone. Slots: the forms of describe.py, and
`x` (the name), `thing` (setting, or key of a parent), `command`, `flag`, `usage` (a tag or filter as it is typed).
"""

from typing import Literal

Naming = Literal["named", "described"]
Wording = Literal["seen", "unseen"]

WORDINGS: dict[str, dict[Naming, dict[Wording, tuple[str, ...]]]] = {
    "check": {
        "named": {
            "seen": (
                "What does {x} mean?",
                "What is {x}?",
                "{x}?",
                "I get {x} when I deploy, what is it telling me?",
                "manage.py check prints {x}. What is wrong?",
                "Explain the system check {x}.",
                "How serious is {x}, and what does it say?",
                "Look up check {x} for me.",
                "Is {x} an error or just a warning, and what's it about?",
                "my CI fails with {x}, what does that mean",
                "Which message belongs to {x}?",
                "We want to silence {x}. What does it report?",
                "Upgraded Django and now I see {x}. Meaning?",
            ),
            "unseen": (
                "Can you tell me what Django is complaining about with {x}?",
                "runserver won't start because of {x}; what's the problem?",
                "A colleague asked me about {x} - level and message, please.",
                "Someone added {x} to SILENCED_SYSTEM_CHECKS. What did they hide?",
                "Decode this for me: ({x})",
                "When is {x} raised?",
            ),
        },
        "described": {
            "seen": (
                "Which system check says that {that}?",
                "Which check complains that {that}?",
                "What's the ID of the check that tells me {that}?",
                "Django tells me that {that}. Which check is that?",
                "which system check is it when {that}",
                "I see a message that {that}. Identifier and level?",
                "Find the check about this: {that}.",
                "What do I have to put into SILENCED_SYSTEM_CHECKS if Django reports that {that}?",
            ),
            "unseen": (
                "Under which identifier does Django report that {that}?",
                "My log says {that}, but the check's ID is cut off. Which one is it?",
                "Is there a check for the rule that {that}?",
                "Name the system check behind this complaint: {that}.",
                "{that} - which check code was that again?",
            ),
        },
    },
    "setting": {
        "named": {
            "seen": (
                "What is the default of {x}?",
                "default of {x}?",
                "What does {x} do?",
                "What does the setting {x} control, and what is it by default?",
                "Explain {x}.",
                "Tell me about {x} and its default.",
                "I never set {x}. What value does Django use?",
                "Do I have to set {x}, or is there a default?",
                "What happens if I leave {x} out of settings.py?",
                "Look up {x} for me.",
                "{x}: purpose and default value?",
                "What's {x} for?",
                "In settings.py I found {x}. What is it?",
            ),
            "unseen": (
                "If I delete {x} from my settings, what does Django fall back to?",
                "Could you summarise {x} and give me its initial value?",
                "A reviewer asks why we override {x}. What does it do out of the box?",
                "What value does {x} start with?",
                "settings reference entry for {x}",
                "Which value has {x} in a fresh project, and what is it good for?",
            ),
        },
        "described": {
            "seen": (
                "Which {thing} {finite}?",
                "What is the name of the {thing} that {finite}?",
                "I'm looking for the {thing} that {finite}.",
                "Which {thing} is the {np}?",
                "Where do I configure the {np}? I need the {thing}.",
                "{thing} for {np}?",
                "Which {thing} do I need to {base}?",
                "How do I get Django to {base}? Which {thing} is it?",
                "Which {thing} must be {set}?",
                "What's the {thing} called that can be {set}?",
            ),
            "unseen": (
                "There must be a {thing} that {finite}, what is it called?",
                "Name the {thing} which {finite}, with its default.",
                "How is the {thing} called where I define the {np}?",
                "I want to change the {np}; what's the right {thing}?",
                "My boss wants us to {base}. Is there a {thing} for that?",
                "Can some {thing} be {set}?",
            ),
        },
    },
    "builtin": {
        "named": {
            "seen": (
                "What does the {kind} {x} do?",
                "What is {usage} for?",
                "Explain the template {kind} {x}.",
                "{x} in a Django template?",
                "I found {usage} in a template. What does it do?",
                "Is {x} a tag or a filter, and what does it do?",
                "Look up {x} in the template reference.",
                "What's the purpose of {usage}?",
                "template {kind} {x}",
                "When would I use the {x} {kind}?",
                "What happens when I write {usage}?",
                "Tell me about {usage} in the template language.",
            ),
            "unseen": (
                "A designer asks what {usage} is good for.",
                "Summarise the {x} {kind} in one line.",
                "Our base template uses {usage}; what is its effect?",
                "How does Django's template language define {x}?",
                "Can you describe {usage} briefly?",
                "What do I get if I put {usage} into my template?",
            ),
        },
        "described": {
            "seen": (
                "Which template tag or filter {finite}?",
                "What can I use in a template to {base}?",
                "How do I {base} in a template?",
                "In the template language, what's used for {ing}?",
                "Is there a tag or filter for {ing}?",
                "I'm looking for the thing in templates that {finite}.",
                "I want to {base}, right in the template. What do I need?",
                "what do I use to {base} in django templates",
            ),
            "unseen": (
                "Without touching the view: how can my template {base}?",
                "Name the built-in that lets a template author {base}.",
                "Something in the template language {finite}; what is it called?",
                "Does Django ship anything for {ing} in templates?",
                "My template should {base}. Which built-in does that?",
            ),
        },
    },
    "command_option": {
        "named": {
            "seen": (
                "What does {command} {flag} do?",
                "What is the option {flag} of {command} for?",
                "Explain {flag} for manage.py {command}.",
                "django-admin {command} {flag}?",
                "When would I pass {flag} to {command}?",
                "I saw `manage.py {command} {flag}` in a script. What does it do?",
                "Look up {flag} of the {command} command.",
                "How is {flag} written in full for {command}, and what does it do?",
                "What happens if I run {command} with {flag}?",
                "Does {command} take {flag}, and what for?",
                "{command}: meaning of {flag}?",
                "Tell me about the {flag} option of {command}.",
            ),
            "unseen": (
                "Our deploy script calls {command} with {flag}; what's the effect?",
                "Someone told me to add {flag} to {command}. Why would I?",
                "Give me the reference entry for {flag} ({command}).",
                "What changes when {flag} is given to {command}?",
                "Is it safe to guess what `{command} {flag}` does? Please tell me.",
                "Describe the switch {flag} of django-admin {command}.",
            ),
        },
        "described": {
            "seen": (
                "Which option of {command} {finite}?",
                "How do I make {command} {act}?",
                "Which {command} option is for {ing}?",
                "Is there an option of {command} for {ing}?",
                "What do I pass to {command} to {base}?",
                "I'm running {command} and want to {base}. Which option?",
                "what's the {command} flag for {ing}",
                "manage.py {command}: which switch {finite}?",
            ),
            "unseen": (
                "I'd like {command} to {act}; what do I add to the command line?",
                "Name the {command} switch that {finite}.",
                "Can {command} be told to {act}, and how?",
                "There's a flag for {ing} when using {command}, isn't there?",
                "Remind me of the argument of {command} responsible for {ing}.",
            ),
        },
    },
}
