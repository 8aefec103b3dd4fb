"""The page: one file, one plotly.js, no request, no error in a browser."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import time
from html import escape, unescape
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

from mechinterp.experiments.drawing import as_page
from mechinterp.experiments.folders import write_page
from mechinterp.experiments.results import Results
from mechinterp.policies.identity import Identity
from mechinterp.reporting import Page, ResultsError, Section, Written, png, write
from mechinterp.reporting.figure import Figure
from mechinterp.reporting.page.render import SECURITY_POLICY, number_rows, render
from mechinterp.reporting.plots import style
from mechinterp.reporting.plots.dots import dots, rows
from mechinterp.reporting.plots.style import literal
from tests.experiments import synthetic

_BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


class _Outline(HTMLParser):
    """What the page is made of; scripts and styles are text to this parser, so what is in them does not count."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Written:
    return write_page(synthetic.results(), tmp_path_factory.mktemp("report"), png=False)


@pytest.fixture(scope="module")
def html(report: Written) -> str:
    return report.page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def outline(html: str) -> _Outline:
    parser = _Outline()
    parser.feed(html)
    return parser


def test_one_copy_of_plotly(html):
    assert len(re.findall(r"plotly\.js v\d", html)) == 1
    assert len(html) < 8_000_000


def test_nothing_is_asked_for(outline):
    for tag, attrs in outline.tags:
        for key in ("src", "href", "srcset", "action", "data", "poster"):
            address = attrs.get(key)
            assert address is None or address.startswith(("#", "data:")), (tag, address)
    policies = [m["content"] for m in outline.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [SECURITY_POLICY]
    assert "http" not in SECURITY_POLICY
    assert "default-src 'none'" in SECURITY_POLICY


def test_figures_have_heading_label_and_data(outline, report):
    plots = [attrs for attrs in outline.all("div") if attrs.get("class") == "plot"]
    assert len(plots) == len(report.figures) == synthetic.FIGURES
    identifiers = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert len(set(identifiers)) == len(identifiers)
    for plot in plots:
        assert plot["role"] == "img"
        assert len(plot["aria-label"]) > 40
        assert f"{plot['id']}-data" in identifiers
        assert f"{plot['id']}-question" in identifiers
    assert len(outline.all("h1")) == 1
    assert outline.all("html")[0]["lang"] == "en"


def test_links_lead_somewhere(outline):
    identifiers = {attrs.get("id") for _, attrs in outline.tags}
    links = [attrs["href"] for attrs in outline.all("a")]
    assert len(links) >= 12  # seven sections, six key numbers
    assert {link[1:] for link in links} <= identifiers


def test_each_section_says_its_question_method_and_numbers(html):
    page = as_page(synthetic.results())
    assert html.count('<details class="method">') == len(page.sections) == 7
    assert html.count("All numbers of this section") == 6  # the model has none
    for section in page.sections:
        assert section.question.split("'")[0] in html
        assert all(section.method)
        assert not any("{" in paragraph for paragraph in section.method)


def test_long_lists_of_numbers_are_counted_and_not_listed():
    numbers = [(f"layers/a/channels/{i}", synthetic.estimate(1, 0.5)) for i in range(41)]
    rows, left_out = number_rows([*numbers, ("total", synthetic.estimate(2, 0.5))])
    assert ([row["path"] for row in rows], left_out) == (["total"], 41)
    assert number_rows(numbers[:40])[1] == 0


def test_same_results_same_page(html):
    assert render(as_page(synthetic.results())) == html


def test_redrawn_from_the_file_alone(report, html):
    assert render(as_page(Results.load(report.page.with_name("results.json")))) == html


def test_what_was_not_asked_for_is_said_quietly():
    results = synthetic.results()
    sections = {"total_effect": results["total_effect"]}
    html = render(as_page(Results(page="report", identity=results.identity, sections=sections)))
    assert html.count("<section ") == 1
    assert html.count("Not asked for") == 1
    footer = unescape(html[html.index("<footer>") :])
    for one in as_page(results).sections:
        assert (one.title in footer) == (one.name != "total_effect")
    assert 'id="total-effect-movement"' in html


def test_texts_cannot_become_markup():
    nasty = '</script><script>alert("x")</script>'
    identity = Identity(nasty, nasty, "0", {"made by": nasty})
    model = synthetic.results()["model"]
    layer = model.layers[0].model_copy(update={"hook": nasty})
    sections = {"model": model.model_copy(update={"layers": (layer,), "looks": (nasty,)})}
    results = Results(page="report", identity=identity, settings={"command": nasty}, sections=sections)
    html = render(as_page(results))
    assert nasty not in html
    start = html.index('id="network-data">') + len('id="network-data">')
    data = html[start : html.index("</script>", start)]
    assert "<" not in data
    assert escape(nasty, quote=False) in json.loads(data)["layout"]["xaxis"]["ticktext"]  # plotly shows it as text


def test_plotly_reads_no_links_in_anybodys_texts():
    link = '<a href="https://example.com">x</a>'
    plot = style.figure("a", f"What {link}?", height=300)
    estimates = [dataclasses.replace(synthetic.estimate(1, 0.5), name=link, unit=link)]
    dots(
        plot,
        estimates,
        rows(plot, [f"<b>{style.literal(link)}</b><br><span style='color:#123'>b</span>"]),
        label=link,
        colour="red",
    )
    plot.add_annotation(text=f"<b>n</b> {link} <sub>2</sub>")  # of a view that forgot
    content = json.dumps(Figure(plot, "A link.").content())
    assert "<a" not in content
    assert "</a>" not in content
    assert "<b>n</b> &lt;a href=" in content
    assert "<span style='color:#123'>b</span>" in content
    page = Page(
        title="t",
        kicker="",
        sections=[Section(name="s", title="s", question="q", figures=[Figure(plot, "c")])],
        settings={},
    )
    assert f"What {escape(link)}?" in render(page).replace("&#34;", "&quot;")
    assert literal("50 %{x} <b> &lt;") == "50 %&#123;x} &lt;b&gt; &amp;lt;"


@pytest.mark.skipif(find_spec("kaleido") is None, reason="kaleido is not installed")
def test_a_browser_that_hangs_costs_pictures_and_no_report(tmp_path, monkeypatch):
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\necho $$ > {tmp_path / 'pid'}\nsleep 600\n")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER_PATH", str(browser))
    monkeypatch.setattr(png, "_START", 4.0)
    monkeypatch.setattr(png, "_EACH", 0.0)
    results = synthetic.results()
    small = Results(page="report", identity=results.identity, sections={"performance": results["performance"]})
    began = time.monotonic()
    written = write_page(small, tmp_path / "report")
    assert written.note == "no PNG files: the browser gave no answer in 4 seconds"
    assert written.page.exists()
    assert time.monotonic() - began < 30
    pid = tmp_path / "pid"
    if pid.exists():  # on a busy machine it did not even start
        stat = Path("/proc", pid.read_text().strip(), "stat")
        assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] in "ZX"  # dead, perhaps not buried


def test_two_figures_of_one_name_are_refused(tmp_path):
    one = as_page(synthetic.results()).sections[0]
    twice = Section(name="again", title="T?", question="Q?", figures=one.figures)
    page = Page(title="T?", kicker="k", sections=[one, twice], settings={})
    with pytest.raises(ResultsError, match="two figures of this page are called"):
        write(page, tmp_path)


def test_files_of_a_report(report):
    folder = report.page.parent
    assert sorted(p.name for p in folder.iterdir()) == ["figures", "report.html", "results.json"]
    assert report.note is None
    for path in report.figures:
        assert set(json.loads(path.read_text())) == {"data", "layout"}


def test_without_a_browser_the_rest_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("BROWSER_PATH", raising=False)
    results = synthetic.results()
    small = Results(page="report", identity=results.identity, sections={"performance": results["performance"]})
    written = write_page(small, tmp_path)
    assert written.note is not None
    assert "no PNG files" in written.note
    assert written.page.exists()


def _browse(page: Path, profile: Path) -> tuple[str, list[str]]:
    """The page's document after its scripts have run, and what they said on the console."""
    assert _BROWSER is not None
    quiet = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    quiet += " --disable-component-update --disable-sync --enable-logging=stderr --virtual-time-budget=8000 --dump-dom"
    command = [_BROWSER, *quiet.split(), f"--user-data-dir={profile}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.slow
@pytest.mark.skipif(_BROWSER is None, reason="there is no Chromium or Chrome here")
def test_a_browser_draws_it_without_complaint(report, tmp_path):
    document, said = _browse(report.page, tmp_path / "profile")
    assert said == []
    assert f'data-drawn="{synthetic.FIGURES}"' in document
    assert document.count('class="main-svg"') >= synthetic.FIGURES


@pytest.mark.slow
@pytest.mark.skipif(_BROWSER is None, reason="there is no Chromium or Chrome here")
def test_the_browser_refuses_requests(tmp_path):
    page = tmp_path / "page.html"
    meta = f'<meta http-equiv="Content-Security-Policy" content="{SECURITY_POLICY}">'
    page.write_text(f'<html><head>{meta}</head><body><img src="http://localhost:9/x.png"></body></html>')
    _, said = _browse(page, tmp_path / "profile")
    assert any("Content Security Policy" in line for line in said)
