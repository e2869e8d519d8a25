"""axe-core in a page: what people who see or hear it in another way cannot use.

Only what axe calls serious or critical counts. It runs in a page whatever its policy says, because
Playwright puts it in place as a debugger would.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

RUN = """async (selectors) => {
  const scope = selectors.length ? {include: selectors.map(selector => [selector])} : document;
  const {violations} = await axe.run(scope, {resultTypes: ['violations'], iframes: false});
  return violations
    .filter(fault => ['serious', 'critical'].includes(fault.impact))
    .flatMap(fault => fault.nodes.map(node =>
      `${fault.id}: ${node.html.slice(0, 200)}: ${node.failureSummary.replaceAll('\\n', ' ')}`));
}"""


def faults(page: Page, axe: str, *selectors: str) -> list[str]:
    """What axe finds in a page.

    Args:
        page: the page, as it is to be judged.
        axe: the path of axe.min.js.
        selectors: the elements to judge; without any, the whole page.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(Path(axe).read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(RUN, list(selectors))
    return found
