"""Methods, presets and states of training in words that need no explanation. Plain tables."""

from core.training_desk import Data, RunState
from ui.language import marked

DATA: dict[Data, tuple[str, str]] = {
    "rows": (marked("Examples"), marked("Questions with their right answers. The usual way to begin.")),
    "pairs": (marked("Better and worse answers"), marked("From corrections and from votes in the arena.")),
    "judgements": (marked("Good and bad answers"), marked("From thumbs up and down, and from corrections.")),
}
METHODS: dict[str, tuple[str, str]] = {
    "lora": (
        "LoRA",
        marked(
            "Trains a small addition to the model and leaves the model as it is. Quick; the right choice to begin with."
        ),
    ),
    "rslora": (
        "rsLoRA",
        marked("LoRA, scaled so that larger additions learn as well. Worth a try with a rank of 64 or more."),
    ),
    "qlora": ("QLoRA", marked("LoRA over a model squeezed to 4 bits. Needs much less memory, takes longer.")),
    "dora": ("DoRA", marked("A finer LoRA. Makes a whole model, which takes a server of its own to answer.")),
    "full": (marked("Full training"), marked("Trains every weight. Needs the most memory, and makes a whole model.")),
    "dpo": ("DPO", marked("Teaches the adapter in use to prefer the better of two answers.")),
    "kto": ("KTO", marked("Teaches the adapter in use from answers that were good or bad, one by one.")),
}
PRESETS: dict[str, str] = {
    "default": marked("Quick: up to ten minutes"),
    "best": marked("Thorough: up to 45 minutes"),
    "gpu-1b": marked("GPU, model of about 1 billion"),
    "gpu-3b": marked("GPU, model of about 3 billion"),
    "gpu-8b": marked("GPUs, model of about 8 billion"),
}
STATES: dict[RunState, str] = {
    "none": marked("Nothing has been trained here yet."),
    "starting": marked("Starting …"),
    "preparing": marked("Preparing the data"),
    "training": marked("Training"),
    "paused": marked("Paused while an answer is written"),
    "publishing": marked("Publishing and checking"),
    "done": marked("Done"),
    "failed": marked("Failed"),
    "stopped": marked("Stopped"),
}
MEASURES: dict[str, str] = {
    "right": marked("right answers"),
    "field_em": marked("fields exactly right"),
    "prose_f1": marked("words right"),
    "citation_correct": marked("citations right"),
    "refusal_f1": marked("refusals right"),
}
MEMORY: dict[str, str] = {
    "weights": marked("the model"),
    "gradients and optimiser": marked("learning"),
    "activations": marked("the examples at hand"),
    "process": marked("the program"),
}
