import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import namedtuple
from pathlib import Path

import pytest
from mirror_server import Reply, digest_of

from rembolt.errors import UsageError, WeightsUnavailableError
from rembolt.models import download as download_module
from rembolt.models import part as part_module
from rembolt.models.download import Patience, _Redirects, _UselessMirrorError, download, mirrors

NAME = "tiny-epoch_1.onnx"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "rembolt" / "models" / "tiny" / "tiny.onnx"


@pytest.fixture
def get(mirror, weights_file, target):
    """Downloads the file; the mirror has it."""
    mirror.files[NAME] = weights_file
    seen = []

    def get(expected="md5", **options):
        hashed = digest_of(weights_file, expected) if expected in ("md5", "sha256") else expected
        return download(NAME, target, expected=hashed, progress=lambda *facts: seen.append(facts), **options)

    get.seen = seen
    return get


def part_of(target: Path) -> Path:
    return target.with_name(target.name + ".part")


@pytest.mark.parametrize("algorithm", ["md5", "sha256", None])
def test_a_file_is_downloaded_under_its_own_name(get, mirror, target, weights_file, algorithm):
    assert get(algorithm) is True
    assert target.read_bytes() == weights_file
    assert not part_of(target).exists()
    assert [request.path for request in mirror.requests] == [f"/{NAME}"]


def test_progress_counts_up_to_the_whole(get, weights_file):
    get()
    done = [facts[1] for facts in get.seen]
    assert done == sorted(done)
    assert get.seen[0] == ("tiny.onnx", 0, len(weights_file))
    assert get.seen[-1] == ("tiny.onnx", len(weights_file), len(weights_file))


def test_a_file_that_is_there_is_left_alone(get, mirror, target):
    target.parent.mkdir(parents=True)
    target.write_bytes(b"from another process")
    assert get() is False
    assert mirror.requests == []


def test_a_cut_connection_is_resumed_with_the_rest_only(get, mirror, target, weights_file):
    mirror.replies.extend([Reply(cut_after=200_000), Reply(cut_after=100_000)])
    get()
    assert target.read_bytes() == weights_file
    assert [request.range for request in mirror.requests] == [None, "bytes=200000-", "bytes=300000-"]
    assert mirror.sent == len(weights_file)


def test_a_part_of_an_earlier_run_is_resumed(get, mirror, target, weights_file):
    target.parent.mkdir(parents=True)
    part_of(target).write_bytes(weights_file[:250_000])
    get()
    assert target.read_bytes() == weights_file
    assert mirror.sent == len(weights_file) - 250_000
    assert get.seen[0] == ("tiny.onnx", 250_000, len(weights_file))


def test_a_whole_part_needs_no_bytes(get, mirror, target, weights_file):
    target.parent.mkdir(parents=True)
    part_of(target).write_bytes(weights_file)
    get()
    assert target.read_bytes() == weights_file
    assert (mirror.requests[0].status, mirror.sent) == (416, 0)


@pytest.mark.parametrize("wrong", [b"x" * 250_000, b"x" * 2_000_000], ids=["shorter", "longer"])
def test_a_part_of_another_file_is_thrown_away(get, mirror, target, weights_file, wrong):
    target.parent.mkdir(parents=True)
    part_of(target).write_bytes(wrong)
    get()
    assert target.read_bytes() == weights_file


def test_a_part_is_not_trusted_without_a_hash(get, mirror, target, weights_file):
    target.parent.mkdir(parents=True)
    part_of(target).write_bytes(b"x" * 250_000)
    get(None)
    assert target.read_bytes() == weights_file
    assert mirror.requests[0].range is None


def test_without_a_hash_only_the_same_version_is_resumed(get, mirror, target, weights_file):
    newer = weights_file[::-1]
    mirror.replies.extend([Reply(cut_after=200_000, etag='"1"'), Reply(body=newer, etag='"2"')])
    get(None)
    assert mirror.requests[1].if_range == '"1"'
    assert target.read_bytes() == newer


def test_without_hash_and_etag_a_cut_starts_anew(get, mirror, target, weights_file):
    mirror.replies.append(Reply(cut_after=200_000))
    get(None)
    assert [request.range for request in mirror.requests] == [None, None]
    assert target.read_bytes() == weights_file


def test_a_server_that_ignores_ranges_starts_cleanly(get, mirror, target, weights_file):
    mirror.always = Reply(ranges=False)
    mirror.replies.append(Reply(cut_after=200_000))
    get()
    assert target.read_bytes() == weights_file
    assert [request.status for request in mirror.requests] == [200, 200]


def test_a_server_that_ignores_ranges_and_always_breaks_off_is_given_up(get, mirror, target):
    mirror.always = Reply(ranges=False, cut_after=200_000)
    with pytest.raises(WeightsUnavailableError, match="breaks off"):
        get()
    assert len(mirror.requests) == 4
    assert not target.exists()


def test_many_cuts_are_no_trouble_as_long_as_it_goes_on(get, mirror, target, weights_file):
    mirror.always = Reply(cut_after=50_000)
    get()
    assert target.read_bytes() == weights_file
    assert mirror.sent == len(weights_file)


def test_stalled_transfers_are_resumed(get, mirror, target, weights_file):
    mirror.replies.append(Reply(stall_after=100_000))
    get()
    assert target.read_bytes() == weights_file
    assert mirror.requests[1].range == "bytes=100000-"


def test_a_server_that_never_answers_is_given_up(get, mirror):
    mirror.always = Reply(stall_after=0, claimed_length=10)
    with pytest.raises(WeightsUnavailableError, match=r"127\.0\.0\.1:\d+ does not answer in time"):
        get(patience=Patience(timeout=0.1, pauses=(0.0,)))
    assert len(mirror.requests) == 2


def test_slow_is_not_stalled(get, mirror, target, weights_file):
    mirror.always = Reply(pause=0.02)
    get(patience=Patience(timeout=0.3, pauses=()))
    assert target.read_bytes() == weights_file


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_passing_trouble_is_tried_again(get, mirror, target, status):
    mirror.replies.extend([Reply(status=status)] * 3)
    get()
    assert len(mirror.requests) == 4
    assert target.exists()


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_lasting_trouble_is_not(get, mirror, status):
    mirror.always = Reply(status=status)
    with pytest.raises(WeightsUnavailableError, match=rf"{NAME} could not .* answers {status}"):
        get()
    assert len(mirror.requests) == 1


def test_pauses_grow(get, mirror, monkeypatch):
    pauses = []
    monkeypatch.setattr(download_module.time, "sleep", pauses.append)
    mirror.always = Reply(status=503)
    with pytest.raises(WeightsUnavailableError):
        get(patience=Patience())
    assert pauses == sorted(pauses)
    assert 0 < sum(pauses) < 5


def test_mirrors_are_tried_in_order(get, mirror, make_mirror, monkeypatch, target, weights_file):
    first, second = make_mirror(), make_mirror()
    first.always = Reply(status=404)
    second.files[NAME] = weights_file
    monkeypatch.setenv("REMBOLT_MODEL_BASE_URL", f" {first.url}/ , {second.url}/,")
    get()
    assert (len(first.requests), len(second.requests), len(mirror.requests)) == (1, 1, 0)
    assert target.read_bytes() == weights_file


def test_a_mirror_with_wrong_bytes_is_dropped(get, mirror, make_mirror, monkeypatch, target, weights_file):
    liar = make_mirror()
    liar.always = Reply(body=b"x" * len(weights_file))
    monkeypatch.setenv("REMBOLT_MODEL_BASE_URL", liar.url)
    get()
    assert len(liar.requests) == 1
    assert target.read_bytes() == weights_file


def test_bytes_of_a_broken_mirror_do_not_spoil_the_next(
    get, mirror, make_mirror, monkeypatch, target, weights_file
):
    liar = make_mirror()
    liar.always = Reply(body=b"x" * len(weights_file), ranges=False, cut_after=100_000)
    monkeypatch.setenv("REMBOLT_MODEL_BASE_URL", liar.url)
    get()
    assert target.read_bytes() == weights_file


def test_the_rest_comes_from_the_next_mirror(get, mirror, make_mirror, monkeypatch, target, weights_file):
    first = make_mirror()
    first.files[NAME] = weights_file
    first.replies.append(Reply(cut_after=400_000))
    first.always = Reply(status=404)
    monkeypatch.setenv("REMBOLT_MODEL_BASE_URL", first.url)
    get()
    assert target.read_bytes() == weights_file
    assert mirror.sent == len(weights_file) - 400_000


def test_wrong_bytes_everywhere_leave_nothing(get, mirror, target):
    mirror.always = Reply(body=b"x" * 1000)
    with pytest.raises(WeightsUnavailableError, match="sent a different file"):
        get()
    assert not target.exists()
    assert not part_of(target).exists()


def test_the_message_says_what_failed_where(get, mirror, monkeypatch):
    mirror.always = Reply(status=404)
    monkeypatch.setenv("REMBOLT_MODEL_BASE_URL", "http://user:secret@127.0.0.1:9/models")
    with pytest.raises(WeightsUnavailableError) as caught:
        get()
    message = str(caught.value)
    assert "127.0.0.1:9 cannot be reached" in message
    assert f"{mirror.url.removeprefix('http://')} answers 404" in message
    assert "secret" not in message
    assert "\n" not in message


def test_a_length_claimed_too_large_does_no_harm(get, mirror, target, weights_file):
    mirror.always = Reply(claimed_length=len(weights_file) + 1000)
    get()
    assert target.read_bytes() == weights_file


def test_a_length_claimed_too_small_is_noticed(get, mirror, target, weights_file):
    mirror.replies.append(Reply(claimed_length=1000))
    with pytest.raises(WeightsUnavailableError, match="sent a different file"):
        get()
    assert not target.exists()


@pytest.mark.parametrize("expected", ["md5", None])
def test_an_empty_answer_is_no_file(get, mirror, target, expected):
    mirror.always = Reply(body=b"")
    with pytest.raises(WeightsUnavailableError):
        get(expected)
    assert not target.exists()


def test_redirects_are_followed_and_resumed(get, mirror, make_mirror, target, weights_file):
    storage = make_mirror()
    storage.files["blob"] = weights_file
    storage.replies.append(Reply(cut_after=300_000))
    mirror.always = Reply(status=302, location=f"{storage.url}/blob")
    get()
    assert target.read_bytes() == weights_file
    assert storage.sent == len(weights_file)
    assert storage.requests[1].range == "bytes=300000-"


def test_redirect_loops_end(get, mirror):
    mirror.always = Reply(status=302, location=f"{mirror.url}/{NAME}")
    with pytest.raises(WeightsUnavailableError, match="answers 302"):
        get()


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_redirects_do_not_leave_http(get, mirror, location):
    mirror.always = Reply(status=302, location=location)
    with pytest.raises(WeightsUnavailableError, match=r"redirects to|answers 302"):
        get()


def test_redirects_do_not_fall_back_to_http():
    request = urllib.request.Request("https://example.org/x")
    with pytest.raises(_UselessMirrorError, match="redirects to the http address"):
        _Redirects().redirect_request(request, None, 302, "", {}, "http://example.org/x")


@pytest.mark.parametrize(
    "address", ["ftp://example.org", "file:///tmp", "example.org/models", "http://", "http://[", "http://a:x"]
)
def test_only_web_addresses_are_mirrors(monkeypatch, address):
    monkeypatch.setenv("REMBOLT_MODEL_BASE_URL", address)
    with pytest.raises(UsageError, match="REMBOLT_MODEL_BASE_URL"):
        mirrors()


def test_odd_host_names_are_refused_politely(get, mirror, monkeypatch, target):
    monkeypatch.setenv("REMBOLT_MODEL_BASE_URL", "http://a..b,http://" + "a" * 70 + ".invalid,http://a b/")
    get()
    assert target.exists()


def test_a_full_disk_is_noticed_before_anything_is_written(get, mirror, monkeypatch, target):
    usage = namedtuple("usage", "total used free")(10**9, 10**9 - 1000, 1000)
    monkeypatch.setattr(part_module.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(WeightsUnavailableError, match=r"needs 1 MB more in .*0 MB are free"):
        get()
    assert not target.exists()
    assert not part_of(target).exists()


def test_a_disk_that_fills_up_is_told(get, mirror, monkeypatch, target):
    class Full:
        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            raise OSError(28, "No space left on device")

    enter = part_module.Part.__enter__

    def entered(self):
        enter(self)
        full = Full()
        full.file, self._file = self._file, full
        return self

    monkeypatch.setattr(part_module.Part, "__enter__", entered)
    with pytest.raises(WeightsUnavailableError, match="No space left on device"):
        get()
    assert not target.exists()


def test_a_folder_that_cannot_be_written_is_told(get, mirror, target):
    target.parent.parent.parent.mkdir(parents=True)
    target.parent.parent.write_text("a file stands where a folder should")
    with pytest.raises(WeightsUnavailableError, match="set REMBOLT_HOME"):
        get()
    assert mirror.requests == []


SCRIPT = """
import sys
from pathlib import Path
from rembolt.models.download import download
target, expected = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
mine = download("tiny-epoch_1.onnx", target, expected=expected, progress=lambda *facts: None)
print("mine" if mine else "other", target.stat().st_size, flush=True)
"""


def start(mirror, target, weights_file):
    environment = {**os.environ, "REMBOLT_MODEL_BASE_URL": mirror.url}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(target), digest_of(weights_file)],
        cwd=Path(__file__).parents[2],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def go(process):
    process.stdin.write("go\n")
    process.stdin.flush()


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_two_processes_download_once(mirror, target, weights_file):
    mirror.files[NAME] = weights_file
    mirror.always = Reply(pause=0.01)
    processes = [start(mirror, target, weights_file) for _ in range(2)]
    for process in processes:
        go(process)
    answers = sorted(process.communicate(timeout=20)[0].split()[0] for process in processes)
    assert answers == ["mine", "other"]
    assert len(mirror.requests) == 1
    assert mirror.sent == len(weights_file)
    assert target.read_bytes() == weights_file


@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
def test_whoever_waits_takes_over_from_the_dead(mirror, target, weights_file):
    mirror.files[NAME] = weights_file
    mirror.replies.append(Reply(stall_after=300_000))
    first, second = start(mirror, target, weights_file), start(mirror, target, weights_file)
    go(first)
    wait_for(lambda: mirror.sent >= 300_000)
    go(second)
    time.sleep(0.2)
    assert len(mirror.requests) == 1
    first.kill()
    first.communicate(timeout=10)
    assert second.communicate(timeout=20)[0].startswith("mine")
    assert target.read_bytes() == weights_file


@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_an_interrupted_download_goes_on_later(mirror, target, weights_file, how):
    mirror.files[NAME] = weights_file
    mirror.always = Reply(stall_after=300_000)
    process = start(mirror, target, weights_file)
    go(process)
    wait_for(lambda: mirror.sent >= 300_000)
    time.sleep(0.1)
    process.send_signal(how)
    process.communicate(timeout=10)
    assert process.returncode != 0
    assert not target.exists()
    kept = part_of(target).stat().st_size
    assert 0 < kept <= 300_000

    mirror.released.set()
    mirror.always, before = Reply(), mirror.sent
    after = start(mirror, target, weights_file)
    go(after)
    assert after.communicate(timeout=20)[0].startswith("mine")
    assert target.read_bytes() == weights_file
    assert mirror.sent - before == len(weights_file) - kept
