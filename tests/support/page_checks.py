"""What is checked of any page in a browser: barriers for people, and what is wider than the screen."""

import pytest

from tests.support.browser import Browser


def unfold(browser: Browser) -> None:
    """Show all that can be shown at once."""
    browser.run("for (const each of document.querySelectorAll('details')) each.open = true")
    browser.run("for (const each of document.querySelectorAll('[role=tabpanel]')) each.hidden = false")


def barriers(browser: Browser, rules: list[str] | None = None) -> list[str]:
    """What the accessibility checker axe finds. rules: only these."""
    axe = pytest.importorskip("axe_core_python.selenium").Axe()
    found = axe.run(browser.driver, options={"runOnly": rules} if rules else None)["violations"]
    return [
        f"{each['id']}: {node['html'][:120]} {node.get('failureSummary', '')[:200]}"
        for each in found
        for node in each["nodes"]
    ]


def too_wide(browser: Browser, width: int) -> list[str]:
    """The parts of a page that do not fit into a width."""
    wide = f"e => e.checkVisibility() && e.getBoundingClientRect().right > {width + 1}"
    found = browser.run(
        f"return [...document.querySelectorAll('.panes *')].filter({wide}).map(e => e.outerHTML)"
    )
    scroll = browser.run("return document.documentElement.scrollWidth")
    return [*found, *(["the whole page"] if scroll > width else [])]
