"""From what rich can draw to text, the same whatever terminal there is."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType
from rich.theme import Theme

_THEME = Theme({"markdown.code": "bold cyan", "markdown.h2": "bold yellow"})
"""Of pages: colours that can be read on a light ground and on a dark one."""


def drawn(what: RenderableType, colour: bool, width: int, *, wraps: bool = False) -> str:
    """Give what a terminal of this width is to be sent; `wraps`: long lines are broken where words end."""
    output = io.StringIO()
    console = Console(
        file=output,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
        highlight=False,
        emoji=False,
        markup=False,
        width=width,
        theme=_THEME,
        _environ={},
    )
    console.print(what, soft_wrap=not wraps, end="")
    return output.getvalue()
