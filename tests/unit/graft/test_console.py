"""What a training says of itself in the terminal."""

from core.service import TrainingStatus
from graft.console import Console, training_figures


def test_figures_that_are_known_stand_in_one_line():
    status = TrainingStatus(
        state="training", loss=1.2345, learning_rate=1e-3, tokens_per_second=712.4, seconds_left=90, validation_loss=2.0
    )
    assert training_figures(status) == "loss 1.234  held out 2.000  rate 1.0e-03  712 tokens/s  1.5 min left"
    assert training_figures(TrainingStatus(state="training", detail="loading the model")) == "loading the model"


def test_without_a_terminal_there_is_a_line_per_twentieth(capsys):
    with Console().training() as tell:
        for step in range(41):
            tell(TrainingStatus(state="training", progress=step / 40, loss=1.0))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21
    assert lines[1] == "training 5%  loss 1.000"
