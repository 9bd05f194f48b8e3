"""Pages that are made from the code when the site is built: one for each rule, and their index."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

from lockcheck.rules.registry import Rule, all_rules

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

FAMILIES = {
    "1": "Locks and the event loop",
    "2": "What is done under a lock",
    "3": "The order of locks",
    "4": "Queues and their workers",
    "5": "Re-entry",
    "6": "The use of primitives",
    "7": "Event loops, tasks and threads",
    "8": "Pools, forks and cancellation",
    "9": "lockcheck itself",
}
"""What the first digit of a code stands for."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the rules."""
    for rule in all_rules():
        files.append(File.generated(config, f"rules/{rule.code}.md", content=page(rule)))
    files.append(File.generated(config, "rules/index.md", content=index(all_rules())))
    return files


def page(rule: Rule) -> str:
    """The page of a rule: its docstring below its name."""
    summary, _, rest = rule.documentation.strip().partition("\n")
    state = "on by default" if rule.default else "off by default"
    return f"# {rule.name} ({rule.code})\n\n**{summary}**\n\nSince {rule.since}, {state}.\n{rest}\n"


def index(rules: tuple[Rule, ...]) -> str:
    """A table of the rules for each family."""
    families: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        families[rule.code[3]].append(rule)
    parts = ["# Rules\n"]
    for digit in sorted(families):
        parts.append(f"\n## {FAMILIES[digit]}\n\n| code | name | what it finds | |\n|---|---|---|---|\n")
        for rule in families[digit]:
            summary = rule.documentation.strip().partition("\n")[0].replace("|", "\\|")
            state = "" if rule.default else "opt-in"
            parts.append(f"| [{rule.code}]({rule.code}.md) | `{rule.name}` | {summary} | {state} |\n")
    return "".join(parts)
