"""What the sandbox makes of requests by a document alone: good ones are served, bad ones are refused as documented."""

from __future__ import annotations

import httpx
import pytest

GOOD, BAD = 204, 400


@pytest.mark.parametrize(
    "query, headers, status",
    [
        ("many=1&many=2", {}, GOOD),
        ("many=1&many=two", {}, BAD),
        ("", {}, BAD),
        ("many=1&joined=1,2", {}, GOOD),
        ("many=1&joined=1%2C2", {}, GOOD),
        ("many=1&joined=1,b", {}, BAD),
        ("many=1&piped=ab|cd", {}, GOOD),
        ("many=1&piped=ab%7Cc", {}, BAD),
        ("many=1&limit=3", {}, GOOD),
        ("many=1&limit=0", {}, BAD),
        ("many=1&limit=", {}, GOOD),
        ("many=1&filter[a]=1", {}, GOOD),
        ("many=1&filter%5Ba%5D=x", {}, BAD),
        ("many=1&filter[b]=1", {}, BAD),
        ("many=1", {"cookie": "other=1; session=abc"}, GOOD),
        ("many=1", {"cookie": "session=ab"}, BAD),
        ("many=1", {"x-ids": "1, 2"}, GOOD),
        ("many=1", {"x-ids": "1,2,3,4"}, BAD),
    ],
)
def test_parameters_are_read_by_their_style(
    client: httpx.Client, query: str, headers: dict[str, str], status: int
) -> None:
    """Lists, objects, cookies and values that may be null are what their style says."""
    assert client.get(f"/api/v2/lists?{query}", headers=headers).status_code == status


@pytest.mark.parametrize(
    "path, status",
    [
        (".5/;matrix=1,2/a,1", GOOD),
        (".x/;matrix=1,2/a,1", BAD),
        (".5/;matrix=1,y/a,1", BAD),
        (".5/;matrix=1,2/a,z", BAD),
        (".5/;matrix=1,2/b,1", BAD),
    ],
)
def test_paths_are_read_by_their_style(client: httpx.Client, path: str, status: int) -> None:
    """Labels, matrices and simple lists of members."""
    assert client.get(f"/api/v2/paths/{path}").status_code == status


@pytest.mark.parametrize(
    "fields, status",
    [
        ({"name": "Ann", "age": "3"}, GOOD),
        ({"name": "Ann"}, BAD),
        ({"name": "Ann", "age": "old"}, BAD),
        ({"name": "Ann", "age": "3000000000"}, BAD),
    ],
)
def test_forms_are_read(client: httpx.Client, fields: dict[str, str], status: int) -> None:
    """Both kinds of forms are held against their schema."""
    parts = {name: (None, value) for name, value in fields.items()}
    assert client.post("/api/v2/form", data=fields).status_code == status
    assert client.post("/api/v2/form", files=parts).status_code == status


@pytest.mark.parametrize(
    "media_type, body, status",
    [
        ("application/merge-patch+json", '{"name": "Ann", "age": 3}', 200),
        ("application/merge-patch+json", '{"name": "Ann"}', BAD),
        ("application/xml", "<person/>", 200),
    ],
)
def test_other_media_types_are_read_or_taken(client: httpx.Client, media_type: str, body: str, status: int) -> None:
    """JSON by another name is JSON; what cannot be read here is not held against the request."""
    answer = client.put("/api/v2/any", content=body, headers={"content-type": media_type})
    assert answer.status_code == status


def test_a_bad_request_is_refused_where_no_refusal_is_documented(client: httpx.Client) -> None:
    """It is answered with an empty 400, which no run takes for a broken promise."""
    answer = client.post("/api/v2/silent", json={"name": 1})
    assert (answer.status_code, answer.content) == (BAD, b"")
