"""The report as one page: self-contained, without anything from elsewhere, readable without its script.

    visible     text from elsewhere, made harmless to look at
    view        what the page shows, as frozen values
    words       signs and words for the same thing everywhere
    allowance   how much may be put on the page
    jsonlines   JSON text as lines with pointers
    folds       which lines are folded
    body        bodies: places marked, the rest folded
    spots       which parts of an exchange a violation is about
    exchange    one exchange: request, response, waterfall
    sides       expected and found side by side
    related     the other exchanges that a violation is about
    findings    violations
    claims      claims, matrix of documented answers, drift
    headline    the first sentence
    page        all of it together
    document    the view as HTML, with the policy that lets nothing else in

Template, style and script are files under `templates/`.
"""

from __future__ import annotations

from collections.abc import Sequence

from specwatch.contract.result import RunResult
from specwatch.reports.next_steps import Options
from specwatch.spec.model import Api

__all__ = ["to_html"]


def to_html(result: RunResult, apis: Sequence[Api], options: Options | None = None) -> str:
    """A run as an HTML document, without a line break at its end.

    All of a run's violations are on it. Bodies are folded around what is wrong with them, and of a large run not every
    exchange can be opened, so that the page stays under 10 MB; it says what was left out.

    Args:
        result: the run.
        apis: the specs of its APIs.
        options: what the run was given, for the commands that lead on; None where nobody knows.
    """
    from specwatch.reports.html.document import to_document
    from specwatch.reports.html.page import build

    return to_document(build(result, apis, options))
