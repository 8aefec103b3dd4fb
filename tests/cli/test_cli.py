"""The command line: light, helpful, and without tracebacks for what a user can mend."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mechinterp import cli, commands
from mechinterp.errors import MechinterpError, nearest

HEAVY = ("captum", "gym", "gym3", "numpy", "plotly", "procgen", "scipy", "torch", "transformer_lens")


def imported_by(*arguments: str) -> tuple[str, set[str]]:
    """What `mechinterp ARGUMENTS` prints, and the heavy packages that it imports."""
    code = (
        "import sys\nfrom mechinterp.cli import main\n"
        f"try:\n    main({list(arguments)!r})\nexcept SystemExit:\n    pass\n"
        f"print('imported:', *(m for m in {HEAVY!r} if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    text, _, modules = done.stdout.rpartition("imported:")
    return text, set(modules.split())


def replaced(monkeypatch: pytest.MonkeyPatch, error: BaseException | type[BaseException]) -> None:
    """Make every command raise `error`."""

    def run(arguments: argparse.Namespace) -> None:
        raise error

    command = commands.Command(summary="fail", example="mechinterp convert", configure=lambda parser: None, run=run)
    monkeypatch.setattr(commands, "find", lambda name: command)


def test_help_lists_every_command_and_imports_nothing_heavy() -> None:
    text, heavy = imported_by("--help")
    assert heavy == set()
    for name in commands.names():
        assert commands.find(name).summary.split()[0] in text
        assert f"    {name}" in text


@pytest.mark.parametrize("name", commands.names())
def test_help_of_each_command_has_an_example_and_imports_nothing_heavy(name: str) -> None:
    text, heavy = imported_by(name, "--help")
    assert heavy == set()
    assert "example:" in text


@pytest.mark.parametrize("name", commands.names())
def test_examples_parse(name: str) -> None:
    lines = [shlex.split(line, comments=True) for line in commands.find(name).example.splitlines()]
    examples = [words for words in lines if words]
    assert examples
    for words in examples:
        assert words[:2] == ["mechinterp", name]
        assert cli.parser().parse_args(words[1:]).command == name


def test_module_and_script_are_the_same() -> None:
    script = Path(sys.executable).with_name("mechinterp")
    outputs = [subprocess.check_output([*way, "--version"]) for way in ([sys.executable, "-m", "mechinterp"], [script])]
    assert outputs[0] == outputs[1]
    assert outputs[0].startswith(b"mechinterp ")


def test_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["convrt"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: there is no command 'convrt'; did you mean 'convert'")
    assert captured.out == ""


def test_wrong_arguments_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["convert"])
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: the following arguments are required: source, destination")
    assert error.count("\n") == 1


def test_errors_of_ours_are_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    replaced(monkeypatch, MechinterpError("no coin\n  in level 3"))
    assert cli.main(["convert"]) == 2
    assert capsys.readouterr().err == "error: no coin in level 3\n"
    with pytest.raises(MechinterpError):
        cli.main(["--traceback", "convert"])


def test_paths_that_cannot_be_used_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replaced(monkeypatch, FileNotFoundError(2, "No such file or directory", "levels.npz"))
    assert cli.main(["convert"]) == 2
    assert capsys.readouterr().err == "error: levels.npz: No such file or directory\n"


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError("no name")])
def test_bugs_keep_their_traceback(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    replaced(monkeypatch, error)
    with pytest.raises(type(error)):
        cli.main(["convert"])


def test_interruption_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    replaced(monkeypatch, KeyboardInterrupt)
    assert cli.main(["convert"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_ctrl_c_reaches_a_process_that_works() -> None:
    code = (
        "import signal, sys, time\nfrom mechinterp import cli, commands\n"
        # a shell that started the tests in the background hands the signal on as ignored
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def run(arguments):\n    print('ready', flush=True)\n    time.sleep(60)\n"
        "command = commands.Command(summary='wait', example='', configure=lambda parser: None, run=run)\n"
        "commands.find = lambda name: command\nsys.exit(cli.main(['convert']))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert error == b"interrupted\n"


def test_a_reader_that_stops_early_is_no_error() -> None:
    code = (
        "import sys\nfrom mechinterp import cli, commands\n"
        "command = commands.Command(summary='talk', example='', configure=lambda parser: None,\n"
        "                           run=lambda arguments: print('x' * 1_000_000))\n"
        "commands.find = lambda name: command\nsys.exit(cli.main(['convert']))"
    )
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_nearest_names() -> None:
    assert nearest("coin_lfet", ["coin_left", "coin_right"]) == "; did you mean 'coin_left' or 'coin_right'?"
    assert nearest("zzz", ["a", "b"]) == "; known: 'a', 'b'"
    assert nearest("zzz", map(str, range(20))).endswith(", ... (20 in all)")
    assert nearest("zzz", []) == "; none are known"


# ------------------------------------------------------------------------------------------------ convert


def test_convert_foreign_weights(shared_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "impala"
    source = str(shared_weights / "sharkey-impala.pt")
    assert cli.main(["convert", source, str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}: ImpalaConfig with 626,256 weights, from a pfrl file\n"
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors"}
    assert cli.main(["convert", source, str(folder)]) == 2
    assert "already holds a checkpoint" in capsys.readouterr().err


def test_convert_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["convert", str(tmp_path / "nothing.pt"), str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {tmp_path / 'nothing.pt'}")
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


# ------------------------------------------------------------------------------------------------ streams and disks


def run_command(body: str, shell: str = "", *, encoding: str | None = None) -> subprocess.CompletedProcess[bytes]:
    """A process whose only command does `body`; `shell` redirects its streams."""
    code = (
        "import sys\nfrom mechinterp import cli, commands\ndef run(arguments):\n    "
        + body.replace("\n", "\n    ")
        + "\n"
        "command = commands.Command(summary='do', example='', configure=lambda parser: None, run=run)\n"
        "commands.find = lambda name: command\nsys.exit(cli.main(['convert']))"
    )
    line = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} {shell}"
    env = {**os.environ, **({} if encoding is None else {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})}
    return subprocess.run(["bash", "-c", line], capture_output=True, check=False, env=env)


@pytest.mark.parametrize("shell", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_cost_nothing(tmp_path: Path, shell: str) -> None:
    path = tmp_path / "written"
    body = f"print('said')\nprint('told', file=sys.stderr)\nopen({str(path)!r}, 'w').write('content')\nprint('again')"
    done = run_command(body, shell)
    assert done.returncode == 0
    assert path.read_text() == "content"  # and nothing that was meant for a closed stream
    assert done.stdout == (b"" if ">&- 2" in f"{shell} 2" and not shell.startswith("2") else b"said\nagain\n")


def test_a_full_disk_behind_standard_output_is_one_line() -> None:
    for body in ("print('x')", "print('x' * 1_000_000)"):
        done = run_command(body, "> /dev/full")
        assert (done.returncode, done.stderr) == (2, b"error: output: No space left on device\n")


def test_texts_that_the_output_cannot_hold_are_escaped() -> None:
    done = run_command("print('caf\\xe9 \\N{MINUS SIGN}1 \\udce9')", encoding="ascii")
    assert (done.returncode, done.stdout) == (0, b"caf\\xe9 \\u22121 \\udce9\n"), done.stderr
    done = run_command(
        "raise commands.argparse.ArgumentError(None, 'x') if 0 else cli.MechinterpError('\\N{MINUS SIGN}1')"
    )
    assert (done.returncode, done.stderr) == (2, b"error: \xe2\x88\x921\n")


def test_a_file_that_does_not_fit_on_the_disk_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")
    body = (
        "import resource\nfrom mechinterp._files import write_text\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"write_text({str(path)!r}, 'x' * 2000)"
    )
    done = run_command(body)
    assert (done.returncode, done.stderr.decode()) == (2, f"error: {path}: File too large\n")
    assert [one.name for one in tmp_path.iterdir()] == ["results.json"]
    assert path.read_text() == "old"
