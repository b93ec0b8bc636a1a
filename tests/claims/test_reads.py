"""Which fields of an exchange a claim reads."""

from __future__ import annotations

import pytest

from specwatch.claims.reads import SEEN, fields_read, reads
from specwatch.values.claim import Claim, Holds, Level, Observe, Rule, Series, Side

REQUEST = frozenset(f"request.{name}" for name in SEEN["request"])


@pytest.mark.parametrize(
    "text, fields",
    [
        ("response.seconds < 3.0", {"response.seconds"}),
        ("response.json.retry.seconds > 0", {"response.json"}),
        ('response.json.note == "response.seconds"', {"response.json"}),
        ('response["seconds"] < 3.0', {"response.seconds"}),
        ("response . seconds < 3.0", {"response.seconds"}),
        ("known.request.query == 1", set()),
        ("request.credentials.exists(scheme, true)", {"request.credentials"}),
        ("size(request) > 0", REQUEST),
        ('response.status == 200 // "response.seconds', {"response.status"}),
        ("response.status == 200 // as response.seconds", {"response.status", "response.seconds"}),
    ],
)
def test_what_an_expression_reads(text: str, fields: set[str]) -> None:
    """Fields of the exchange, not what is called the same elsewhere; rather too many where a comment is in the way."""
    assert fields_read(text) == fields


@pytest.mark.parametrize(
    "form",
    [
        Holds("response.seconds < 1.0"),
        Series("request.path.id", "response.seconds", Rule.CONSTANT),
        Observe((Side("get", "request.path.id", "response.seconds"),)),
    ],
)
def test_all_expressions_of_a_claim_count(form: Holds | Series | Observe) -> None:
    """The condition and whatever its form has."""
    claim = Claim("shop", "a", Level.PROMISE, "So.", "Items", form, frozenset({"get"}), when="request.method == 'GET'")

    assert reads(claim) >= {"response.seconds", "request.method"}
