"""The page's own theme: warm paper and leaf green by day, dark moss by night. System and bundled fonts only."""

from gradio import themes
from gradio.themes.utils import sizes

_LEAF = (
    *("#f1f7f2", "#dfeee2", "#c1ddc8", "#98c5a5", "#6aa67d", "#48875e"),
    *("#35704b", "#2b5a3d", "#244832", "#1d3b2a", "#0f2117"),
)
_PAPER = (
    *("#faf9f6", "#f4f2ed", "#e7e4dc", "#d3cfc4", "#a5a094", "#6c675e"),
    *("#5b5750", "#45423d", "#2c2a27", "#1d1c1a", "#131211"),
)


def build_theme() -> themes.Base:
    """The theme, for mounting. Text contrast is at least 4.5 to 1 in both modes."""
    leaf = themes.Color(*_LEAF, name="leaf")
    paper = themes.Color(*_PAPER, name="paper")
    # The bundled semi-bold files hold only part of the alphabet, so bold stands in for them.
    theme = themes.Base(
        primary_hue=leaf,
        secondary_hue=leaf,
        neutral_hue=paper,
        radius_size=sizes.radius_md,
        font=[themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=[themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace"],
    )
    return theme.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_800",
        body_text_color_dark="#e8e5de",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="#a8a398",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_100",
        background_fill_secondary_dark="#252421",
        border_color_primary="*neutral_200",
        border_color_primary_dark="#383631",
        block_background_fill="#ffffff",
        block_background_fill_dark="*neutral_900",
        block_border_width="0px",
        block_shadow="none",
        block_shadow_dark="none",
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="#a8a398",
        block_label_text_color="*neutral_700",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="#d8d4ca",
        block_title_text_weight="600",
        input_background_fill="#ffffff",
        input_background_fill_dark="#252421",
        input_border_color="*neutral_300",
        input_border_color_dark="#45423d",
        input_border_color_focus="*primary_500",
        input_border_color_focus_dark="*primary_400",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="#a8a398",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        button_secondary_background_fill="transparent",
        button_secondary_background_fill_dark="transparent",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_hover_dark="#2c2a27",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="#45423d",
        button_border_width="1px",
        button_transition="background-color 0.15s, border-color 0.15s",
        color_accent="*primary_600",
        color_accent_soft="*primary_50",
        color_accent_soft_dark="#22301f",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
    )
