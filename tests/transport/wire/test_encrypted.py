"""TLS: who is trusted, what is told of a certificate, and what becomes of everything else."""

from __future__ import annotations

import datetime as dt
import itertools
import socket
import ssl
import time
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hostile import OK, HostileServer, Peer, Script, says, serving, sized, then
from tests.transport.wire.conftest import AMPLE, SECONDS, failed, fetched, network_of, request_to, run, server_context

from specwatch.errors import UsageError
from specwatch.transport.wire import Answer, tls_context
from specwatch.transport.wire.der import read_certificate
from specwatch.values.failure import Certificate, Failure, Reason

DAY = 86_400
PAST = dt.datetime.now(dt.UTC) - dt.timedelta(days=3)
HERE = "localhost"


def parsed(pem: trustme.Blob) -> x509.Certificate:
    """A certificate, as another library reads it."""
    return x509.load_pem_x509_certificate(pem.bytes())


def ends(certificate: trustme.LeafCert) -> float:
    """When a certificate ends, in epoch seconds."""
    return parsed(certificate.cert_chain_pems[0]).not_valid_after_utc.timestamp()


def answer_of(
    script: Script, tls: ssl.SSLContext, ca: Path, loop: str, cert: str | None = None, **parts: object
) -> Answer:
    """The answer of an https server."""
    with serving(script, tls) as server:
        network = network_of(server, tls=tls_context(str(ca), cert))
        outgoing = request_to(server, scheme="https", host=HERE, **parts)  # type: ignore[arg-type]
        return run(fetched(network, outgoing), loop)


def failure_of(
    script: Script, tls: ssl.SSLContext | None, ca: Path, loop: str, *, seconds: float = AMPLE, host: str = HERE
) -> Failure:
    """Why a request to an https server leads to nothing."""
    with serving(script, tls) as server:
        network = network_of(server, tls=tls_context(str(ca)))
        return run(failed(network, request_to(server, scheme="https", host=host), seconds), loop)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_trusted_target_answers(
    authority: trustme.CA, authority_file: Path, loop: str, version: ssl.TLSVersion
) -> None:
    """With the right authority it is answered, the handshake has a phase, and the certificate is told."""
    certificate = authority.issue_cert(HERE)
    tls = server_context(certificate)
    tls.minimum_version = tls.maximum_version = version

    answer = answer_of(says(sized(b"hello")), tls, authority_file, loop)

    assert answer.response.body == b"hello"
    assert list(answer.timings.phases) == ["resolve", "connect", "tls", "request", "processing", "transfer"]
    issuer = parsed(authority.cert_pem).subject.rfc4514_string()
    assert answer.certificate == Certificate(HERE, ends(certificate), issuer, verified=True)


def test_large_bodies_go_both_ways(authority: trustme.CA, authority_file: Path, loop: str) -> None:
    """Many records, in order, with and without an announced length."""
    body = bytes(range(256)) * (2 << 10)

    def script(peer: Peer) -> None:
        got = peer.read_request().partition(b"\r\n\r\n")[2]
        peer.send(OK, b"\r\n", got)
        peer.stream.unwrap()  # type: ignore[attr-defined]

    tls = server_context(authority.issue_cert(HERE))
    answer = answer_of(script, tls, authority_file, loop, method="POST", body=body)

    assert answer.response.body == body


def test_an_end_without_farewell_is_no_end(authority: trustme.CA, authority_file: Path, loop: str) -> None:
    """A body that ends with the connection is whole only if TLS was closed in due form: anybody could cut the wire."""
    tls = server_context(authority.issue_cert(HERE))

    def cut(peer: Peer) -> None:
        peer.send(OK, b"\r\nhalf of it")
        with socket.fromfd(peer.stream.fileno(), socket.AF_INET, socket.SOCK_STREAM) as bare:
            bare.shutdown(socket.SHUT_WR)
        peer.hang()

    assert failure_of(then(cut), tls, authority_file, loop).reason is Reason.TRUNCATED


@pytest.mark.parametrize("case", ["expired", "wrong host", "self-signed"])
def test_a_refused_certificate_is_told(authority: trustme.CA, authority_file: Path, loop: str, case: str) -> None:
    """Each defect has its class; end and issuer are told although nobody accepts it; nothing is sent to its owner."""
    other = trustme.CA()
    certificate, reason = {
        "expired": (authority.issue_cert(HERE, not_before=PAST, not_after=PAST + dt.timedelta(1)), "tls_expired"),
        "wrong host": (authority.issue_cert("elsewhere.example"), "tls_hostname"),
        "self-signed": (other.issue_cert(HERE), "tls_untrusted"),
    }[case]
    received: list[bytes] = []

    def script(peer: Peer) -> None:
        received.append(peer.stream.recv(100))

    failure = failure_of(script, server_context(certificate), authority_file, loop)

    assert (failure.reason, failure.phase) == (reason, "tls")
    assert list(failure.phases) == ["resolve", "connect", "tls"]
    assert failure.certificate is not None
    issuer = parsed((other if case == "self-signed" else authority).cert_pem).subject.rfc4514_string()
    shown = (failure.certificate.not_after, failure.certificate.issuer, failure.certificate.verified)
    assert shown == (ends(certificate), issuer, False)
    assert failure.certificate.problem
    assert b"".join(received) == b""


def test_a_verdict_stands_when_the_second_look_fails(authority_file: Path, loop: str) -> None:
    """The certificate was refused, whatever a second connection leads to, even to the end of the time."""
    script = _first_by_tls(server_context(trustme.CA().issue_cert(HERE)))
    failure = failure_of(script, None, authority_file, loop, seconds=2.0)

    assert (failure.reason, failure.certificate) == (Reason.TLS_UNTRUSTED, None)
    assert failure.seconds < 2.0


def _first_by_tls(tls: ssl.SSLContext) -> Script:
    """Shake hands with the first that comes, and leave the others waiting."""
    seen = itertools.count()

    def script(peer: Peer) -> None:
        if next(seen) == 0:
            tls.wrap_socket(peer.stream, server_side=True)
        else:
            peer.hang()

    return script


@pytest.mark.parametrize(
    "script, reason, phase",
    [
        (lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Reason.TLS, "tls"),
        (lambda peer: peer.send(bytes(64)), Reason.TLS, "tls"),
        (lambda peer: peer.stream.recv(5000) and peer.stream.close(), Reason.RESET, "tls"),
        (lambda peer: peer.stream.recv(5000) and peer.reset(), Reason.RESET, "tls"),
    ],
)
def test_what_is_no_tls_is_told(script: Script, reason: Reason, phase: str, authority_file: Path, loop: str) -> None:
    """Plain text, garbage, or a hang-up where a handshake belongs."""

    def whole(peer: Peer) -> None:
        script(peer)
        peer.stopped.wait(1)

    failure = failure_of(whole, None, authority_file, loop)

    assert (failure.reason, failure.phase, failure.certificate) == (reason, phase, None)


@pytest.mark.parametrize("script", [Peer.hang, lambda peer: peer.drip(b"\x16", 0.05)])
def test_a_handshake_that_hangs_runs_out_of_time(script: Script, authority_file: Path, loop: str) -> None:
    """The one deadline covers the handshake too."""
    failure = failure_of(script, None, authority_file, loop, seconds=SECONDS)

    assert failure.phase == "tls"
    assert failure.reason in {Reason.TIMEOUT, Reason.TLS}  # bytes that drip soon prove to be no TLS


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_old_tls_is_refused(authority: trustme.CA, authority_file: Path, loop: str) -> None:
    """Nothing older than TLS 1.2."""
    tls = server_context(authority.issue_cert(HERE))
    tls.set_ciphers("ALL:@SECLEVEL=0")
    tls.minimum_version = ssl.TLSVersion.TLSv1
    tls.maximum_version = ssl.TLSVersion.TLSv1

    failure = failure_of(Peer.hang, tls, authority_file, loop)

    assert (failure.reason, failure.phase) == (Reason.TLS, "tls")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_is_shown_where_it_is_asked_for(
    authority: trustme.CA, authority_file: Path, loop: str, version: ssl.TLSVersion, tmp_path: Path
) -> None:
    """With it there is an answer; without it TLS fails, and the reason is not the certificate of the target."""
    tls = server_context(authority.issue_cert(HERE))
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.minimum_version = tls.maximum_version = version
    authority.configure_trust(tls)
    own = tmp_path / "client.pem"
    authority.issue_cert("probe@client.example").private_key_and_cert_chain_pem.write_to_path(str(own))

    assert answer_of(says(sized(b"in")), tls, authority_file, loop, str(own)).response.body == b"in"
    assert failure_of(says(sized(b"in")), tls, authority_file, loop).reason is Reason.TLS


def test_the_certificate_of_a_failed_request_is_told(authority: trustme.CA, authority_file: Path, loop: str) -> None:
    """A good certificate is told also where the answer never comes."""
    failure = failure_of(Peer.hang, server_context(authority.issue_cert(HERE)), authority_file, loop, seconds=2.0)

    assert (failure.reason, failure.phase) == (Reason.TIMEOUT, "processing")
    assert failure.certificate is not None
    assert failure.certificate.verified


def test_an_address_is_a_name_too(authority: trustme.CA, authority_file: Path, loop: str) -> None:
    """A certificate for an address is good for that address and no other."""
    tls = server_context(authority.issue_cert("127.0.0.2"))

    assert failure_of(Peer.hang, tls, authority_file, loop, host="127.0.0.1").reason is Reason.TLS_HOSTNAME


def test_files_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    """A missing or wrong file is a user's mistake, with the option that named it."""
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate", encoding="utf-8")
    for ca, cert, option in [(str(wrong), None, "--ca"), (None, str(wrong), "--cert"), ("/nowhere.pem", None, "--ca")]:
        with pytest.raises(UsageError) as caught:
            tls_context(ca, cert)
        assert caught.value.problems[0].where.startswith(option)


@settings(max_examples=25, deadline=None)
@given(
    organization=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60),
    unit=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60),
    days=st.integers(1, 2_900_000),
)
def test_certificates_are_read_as_others_read_them(organization: str, unit: str, days: int) -> None:
    """End and issuer are those that a full X.509 library finds, whatever the name and the year."""
    before = dt.datetime(1999, 1, 1, tzinfo=dt.UTC)
    after = before + dt.timedelta(days=days, seconds=days % DAY)
    authority = trustme.CA(organization_name=organization, organization_unit_name=unit)
    certificate = authority.issue_cert("a.example", not_before=before, not_after=after)
    other = parsed(certificate.cert_chain_pems[0])

    facts = read_certificate(ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode()))

    assert facts.not_after == other.not_valid_after_utc.timestamp()
    assert facts.issuer == other.issuer.rfc4514_string()[:512]


CERTIFICATE = ssl.PEM_cert_to_DER_cert(trustme.CA().cert_pem.bytes().decode())


@given(cut=st.integers(0, len(CERTIFICATE) - 1), at=st.integers(0, len(CERTIFICATE) - 1), byte=st.integers(0, 255))
def test_a_broken_certificate_is_refused_or_read(cut: int, at: int, byte: int) -> None:
    """Whatever bytes come, the reader ends with facts or a ValueError, and soon."""
    changed = bytearray(CERTIFICATE)
    changed[at] = byte
    started = time.process_time()
    for data in (CERTIFICATE[:cut], bytes(changed)):
        try:
            facts = read_certificate(data)
        except ValueError:
            continue
        assert len(facts.issuer) <= 512
    assert time.process_time() - started < 1


def test_a_server_may_listen_on_ipv6(authority: trustme.CA, authority_file: Path, loop: str) -> None:
    """The same over IPv6, where the machine has it."""
    try:
        server = HostileServer(says(sized(b"six")), server_context(authority.issue_cert("::1")), host="::1")
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with server:
        network = network_of(server, tls=tls_context(str(authority_file)))
        assert run(fetched(network, request_to(server, scheme="https")), loop).response.body == b"six"
