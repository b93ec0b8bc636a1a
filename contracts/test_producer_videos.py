"""The contract of producer-videos: one paid call, and a code of its own for everything that can be wrong with it."""

from __future__ import annotations

import random
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specwatch.contract.caller import Caller, Reply
from specwatch.contract.current import current_run

API = Caller(current_run().apis["producer-videos"])
claim = pytest.mark.claim


def retrieve(body: object, *, credentials: str = "account", refused: bool = False) -> Reply:
    """Ask for the video of an audio."""
    return API.call("retrieveVideo", json=body, credentials=credentials, refused=refused)


@claim("producer-videos/known-audio-is-answered")
@claim("producer-videos/known-audio-is-answered-every-time")
@claim("producer-videos/audio-id-echoed")
def test_a_known_audio_is_answered_with_its_id() -> None:
    """The answer names the audio that was asked for, letter by letter, and again; not often, as each is paid."""
    for _ in range(current_run().settings.profile.behaviour_examples + 1):
        retrieve({"audio_id": API.known("audio")})


@claim("producer-videos/audio-id-echoed")
def test_an_audio_id_is_echoed_unchanged() -> None:
    """Where an id of another form is accepted, it comes back as it was sent."""
    known = API.known("audio")
    fresh = str(uuid.UUID(int=random.Random(current_run().settings.seed).getrandbits(128), version=4))  # noqa: S311
    forms = [fresh, known.upper(), f" {known} ", f"{known}-{known}", "Audio 1"]
    for audio in forms[: current_run().settings.profile.behaviour_examples + 2]:
        retrieve({"audio_id": audio})


@claim("producer-videos/missing-audio-id-refused")
@claim("producer-videos/bad-parameter-is-bad-request")
@claim("producer-videos/trace-id-is-fresh")
@claim("producer-videos/error-message-is-filled-in")
def test_an_audio_id_is_needed() -> None:
    """Without `audio_id` the call is refused, each time with a trace id of its own."""
    retrieve({}, refused=True)
    retrieve({"audio": API.known("audio")}, refused=True)


@claim("producer-videos/non-string-audio-id-refused")
@given(value=st.sampled_from([17, None, True, [], {"id": "x"}, 1.5]))
def test_an_audio_id_is_a_string(value: object) -> None:
    """An `audio_id` of any other type is refused."""
    retrieve({"audio_id": value}, refused=True)


@claim("producer-videos/not-an-object-refused")
@given(body=st.sampled_from([[], "audio", 17, None]))
def test_a_body_is_an_object(body: object) -> None:
    """A body that is no JSON object is refused."""
    retrieve(body, refused=True)


@pytest.mark.parametrize(
    "role",
    [
        pytest.param("absent", marks=claim("producer-videos/missing-token-refused")),
        pytest.param("altered", marks=claim("producer-videos/wrong-token-refused")),
        pytest.param("wrong_scheme", marks=claim("producer-videos/wrong-scheme-refused")),
        pytest.param("expired", marks=claim("producer-videos/expired-token-refused")),
        pytest.param("other_api", marks=claim("producer-videos/other-api-token-refused")),
        pytest.param("used_up", marks=claim("producer-videos/used-up-balance-refused")),
        pytest.param("disabled", marks=claim("producer-videos/disabled-application-refused")),
    ],
)
def test_a_bad_token_is_refused(role: str) -> None:
    """Every way in which a token can be bad has a documented answer."""
    retrieve({"audio_id": API.known("audio")}, credentials=role, refused=True)
