"""A recording assembled, published and downloaded; then each thing is tampered with."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.recording.proof import pem_of
from infra import verify
from tests.fake_signer import FakeSigner
from tests.infra.auditor import Case, Json, a_case, flip, segments
from tests.targets.running import make


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A recording of three segments, as downloaded."""
    return a_case(tmp_path)


def test_what_is_whole_is_told_whole(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    """Signature, audio, chain, each stored object."""

    assert 0 == case.run(*case.media())
    *lines, _, conclusion = capsys.readouterr().out.splitlines()
    things = [line.split()[1] for line in lines if line.startswith("ok ")]
    assert ["signature:", "recording.wav:", "chain:"] == things[:3]
    assert [f"{path.relative_to(case.folder / 'media')}:" for path in segments(case)] == things[3:]
    assert "As it was signed." == conclusion


@pytest.mark.parametrize("spelled", [str.lower, str.upper, ":".join])
def test_a_fingerprint_is_as_good_as_a_key(case: Case, spelled: Callable[[str], str]) -> None:
    """Hex, however it is written."""

    fingerprint = verify.fingerprint_of(FakeSigner().public_key().der)

    assert 0 == case.run("--fingerprint", spelled(fingerprint), trusted=False)


def test_without_a_trusted_key_nobody_is_believed(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """Anybody can sign with a key of their own: the fingerprint is shown, and the code isn't 0."""

    assert 2 == case.run(trusted=False)
    assert verify.fingerprint_of(FakeSigner().public_key().der) in capsys.readouterr().out


def _shorter(case: Case) -> None:
    path = case.folder / "recording.wav"
    path.write_bytes(path.read_bytes()[:-1])


def _without_link(manifest: Json) -> None:
    del manifest["chain"][1], manifest["objects"][1]


def _with_other_hash(manifest: Json) -> None:
    manifest["chain"][1]["sha256"] = "00" * 32


def _in_other_order(manifest: Json) -> None:
    manifest["chain"].reverse()


def _cut_off(manifest: Json) -> None:
    del manifest["chain"][-1], manifest["objects"][-1]


def _listing_more(manifest: Json) -> None:
    manifest["objects"].append("segments/other")


TAMPERED: list[tuple[str, Callable[[Case], object], str]] = [
    ("a byte", lambda c: flip(c.folder / "recording.wav", 5000), "recording.wav: as long as"),
    ("the last byte", lambda c: flip(c.folder / "recording.wav", -1), "recording.wav: as long as"),
    ("a byte less", _shorter, "recording.wav: it has"),
    ("the call", lambda c: c.manifest(lambda m: m["call"].update(call_id="x")), "signature:"),
    ("a space", lambda c: c.proof(lambda p: p.update(manifest=p["manifest"] + " ")), "signature:"),
    (
        "the hash, to fit other audio",
        lambda c: c.manifest(lambda m: m["renditions"][0].update(sha256="00" * 32)),
        "signature:",
    ),
    (
        "the signature",
        lambda c: c.proof(lambda p: p.update(signature="MEUC" + p["signature"][4:-4] + "AAA=")),
        "signature:",
    ),
    (
        "no signature",
        lambda c: c.proof(lambda p: p.update(signature="no base64")),
        "signature:",
    ),
    ("the name", lambda c: c.proof(lambda p: p.update(recording_id="r-2")), "recording: the proof"),
    ("a link gone", lambda c: c.manifest(_without_link, signed=True), "chain: it breaks at"),
    ("a link's hash", lambda c: c.manifest(_with_other_hash, signed=True), "chain: it breaks"),
    ("the order", lambda c: c.manifest(_in_other_order, signed=True), "chain: it breaks at"),
    ("the end cut off", lambda c: c.manifest(_cut_off, signed=True), "chain: no rendition"),
    ("an object more", lambda c: c.manifest(_listing_more, signed=True), "chain: it isn't over"),
    ("a segment", lambda c: flip(segments(c)[1], 200), "000001: its SHA-256 is"),
    ("a segment gone", lambda c: segments(c)[2].unlink(), "000002: not in"),
]


@pytest.mark.parametrize(
    ("tamper", "told"), [case[1:] for case in TAMPERED], ids=[case[0] for case in TAMPERED]
)
def test_what_is_altered_is_named(
    case: Case,
    tamper: Callable[[Case], object],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 1, and a line that says which thing."""

    tamper(case)

    assert 1 == case.run(*case.media())
    bad = [line for line in capsys.readouterr().out.splitlines() if line[:7].strip().isupper()]
    assert [True] == [told in line for line in bad][:1], bad


def test_one_who_signs_everything_anew_is_found_out(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another key's signature is good, and not the trusted key's."""

    def forge(proof: Json) -> None:
        other = FakeSigner("other")
        digest = hashlib.sha256(proof["manifest"].encode()).digest()
        proof["signature"] = base64.b64encode(other.sign(digest)).decode()
        proof["public_key"] = pem_of(other.public_key().der)

    case.proof(forge)
    trusted = verify.fingerprint_of(FakeSigner().public_key().der)

    assert [1, 1] == [case.run(), case.run("--fingerprint", trusted, trusted=False)]
    assert 2 == capsys.readouterr().out.count("ALTERED  signer")


def test_a_file_that_is_no_rendition_is_told(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another format than those that were signed; of one alone, that it isn't as long."""

    path = case.folder / "recording.ogg"
    path.write_bytes(b"OggS")

    assert 1 == case.run(str(path))
    assert "recording.ogg: it has 4 bytes" in capsys.readouterr().out
    case.manifest(lambda m: m["renditions"].append({**m["renditions"][0], "format": "mp3"}))
    assert 1 == case.run(str(path))
    assert "recording.ogg: it is none of what was signed: wav, mp3" in capsys.readouterr().out


def test_a_fetched_file_rests_on_its_own_hash(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a carrier recorded itself was read from nothing that we stored."""

    def fetched(manifest: Json) -> None:
        manifest.update(chain=[], objects=[], fetched={"url": "https://carrier.example"})
        manifest["renditions"][0]["chain"] = ""

    case.manifest(fetched, signed=True)

    assert 0 == case.run()
    assert "the carrier's own file" in capsys.readouterr().out


def test_a_rendition_is_found_under_any_name(case: Case) -> None:
    """By its hash."""

    (case.folder / "recording.wav").rename(case.folder / "evidence.bin")

    files = [str(case.folder / "proof.json"), str(case.folder / "evidence.bin")]
    assert 0 == verify.main([*files, "--key", str(case.folder / "key.pem")])


def test_a_manifest_from_before_there_were_chains_is_verified(case: Case) -> None:
    """Signature and audio count; that there is no chain is a note."""

    def old(manifest: Json) -> None:
        del manifest["chain"]
        for made in manifest["renditions"]:
            del made["chain"]

    case.manifest(old, signed=True)

    assert 0 == case.run(*case.media())


def _outside(manifest: Json) -> None:
    manifest["chain"][0]["key"] = "../../../../etc/passwd"


def test_keys_lead_nowhere_else(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    """A key that points out of the folder is missing, not read."""

    case.manifest(_outside, signed=True)

    assert 1 == case.run(*case.media())
    assert "MISSING  ../../../../etc/passwd" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [
        lambda proof: proof.clear(),
        lambda proof: proof.update(manifest="{}"),
        lambda proof: proof.update(manifest="no JSON"),
        lambda proof: proof.update(manifest=7),
        lambda proof: proof.update(public_key="no PEM"),
        lambda proof: proof.update(algorithm="RSASSA_PSS_SHA_256"),
    ],
)
def test_what_is_no_proof_can_t_be_told(case: Case, change: Callable[[Json], None]) -> None:
    """Exit code 2, never 0."""

    case.proof(change)

    assert 2 == case.run()


def test_a_missing_file_can_t_be_told(case: Case) -> None:
    """The same."""

    (case.folder / "recording.wav").unlink()

    assert 2 == case.run()


def test_the_file_stands_alone(case: Case, tmp_path: Path) -> None:
    """Copied anywhere it runs, without Tapedeck and without a network."""

    alone = tmp_path / "alone" / "verify.py"
    alone.parent.mkdir()
    alone.write_bytes(Path(verify.__file__).read_bytes())
    command = [sys.executable, str(alone), *case.files(), "--key", str(tmp_path / "key.pem")]

    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=alone.parent, env={}
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_make_verify_says_it_too(case: Case) -> None:
    """With the proof, the audio, a key or its fingerprint, and the stored objects as variables."""
    (proof, audio), folder = case.files(), case.folder
    given = f"PROOF={proof}", f"MEDIA={folder / 'media'}"
    fingerprint = verify.fingerprint_of(FakeSigner().public_key().der)

    whole = make("verify", *given, f"AUDIO={audio}", f"PUBLIC_KEY={folder / 'key.pem'}")
    flip(segments(case)[0], 100)
    altered = make("verify", *given, f"FINGERPRINT={fingerprint}")

    assert (0, "As it was signed.") == (whole.code, whole.printed[-1])
    assert 2 == altered.code
    assert "ALTERED" in altered.said


def test_openssl_alone_says_the_same(case: Case) -> None:
    """The commands of docs/explanation/proof.md, without this program."""

    proof = json.loads((case.folder / "proof.json").read_text())
    (case.folder / "manifest.json").write_bytes(proof["manifest"].encode())
    (case.folder / "signature").write_bytes(base64.b64decode(proof["signature"]))
    command = "openssl dgst -sha256 -verify key.pem -signature signature manifest.json"

    def verified() -> int:
        done = subprocess.run(command.split(), cwd=case.folder, capture_output=True, check=False)
        return done.returncode

    assert 0 == verified()
    flip(case.folder / "manifest.json", 10)
    assert 1 == verified()
