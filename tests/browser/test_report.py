"""`headroom report` as a reader meets it: a store is filled, the page is written and opened in a headless Chromium.

usage: test_report.py HEADROOM PICTURES     PICTURES: a folder that is left full of screenshots, to be looked at
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))
import chromium
from small_scenario import SMALL

HEADROOM, PICTURES = sys.argv[1], sys.argv[2]
EVIL = '</script><img src=x onerror=alert(1)> <!-- "quoted" & \'more\''
STUDY = """{
  "name": "caps", "scenario": "small.json", "repeat": 2,
  "axes": {
    "size": { "field": "rooms.r.size.constant", "values": [2, 5, 10, 20] },
    "rate": { "field": "traffic.t.rate.poisson", "values": ["2/s per room", "10/s per room", "100/s per room"] }
  }
}"""
PHONE, DESK = 390, 1280


def run(folder, *words):
    return subprocess.run([HEADROOM, *words], cwd=folder, capture_output=True, text=True, timeout=200)


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="headroom-report-")
        where = cls.folder.name
        scenario = SMALL.replace('"name": "small",', f'"name": "small", "about": {json.dumps(EVIL)},')
        for name, text in (("small.json", scenario), ("study.json", STUDY)):
            with open(os.path.join(where, name), "w", encoding="utf-8") as file:
                file.write(text)
        for words in (("ceiling", "small.json", "--curve"), ("run", "small.json"), ("sweep", "run", "study.json")):
            done = run(where, *words)
            if done.returncode not in (0, 99):
                raise RuntimeError(done.stderr)
        cls.page = os.path.join(where, "report.html")
        done = run(where, "report", "headroom.db")
        if done.returncode == 69 and "npm" in done.stderr:
            print("skipped: " + done.stderr)
            sys.exit(77)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        cls.model = json.loads(run(where, "report", "headroom.db", "--json").stdout)
        cls.charts = [part["id"] for part in cls.model["parts"] if "vega_lite" in part]
        cls.browser = chromium.Chromium(chromium.find())
        os.makedirs(PICTURES, exist_ok=True)

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.folder.cleanup()

    shown = None  # what the browser has open: (width, is_dark)

    def open(self, width, is_dark=False):
        if Report.shown == (width, is_dark):
            return
        Report.shown = (width, is_dark)
        self.browser.open(self.page, width, 900, is_dark)
        name = f"{'dark' if is_dark else 'light'}-{width}.png"
        self.browser.picture(os.path.join(PICTURES, name))

    def assert_clean(self):
        self.assertEqual(self.browser.complaints(), [])
        self.assertEqual([url for url in self.browser.requests() if not url.startswith("file:")], [])

    def drawn(self):
        """Marks of data in each chart: what Vega calls role-mark, with something in it."""
        return self.browser.evaluate(
            "Object.fromEntries([...document.querySelectorAll('[data-chart]')].map(place => [place.dataset.chart.slice(6),"
            " place.querySelectorAll('.role-mark path[d]:not([d=\"\"]), .role-mark line, .role-mark text').length]))")

    def test_every_chart_is_drawn_wide_and_narrow_light_and_dark_without_a_word_on_the_console(self):
        self.assertEqual(self.charts[:6], ["limits", "load", "sweep", "percentiles", "memory", "egress"])
        self.assertGreaterEqual(len(self.charts), 8)  # and two over time
        for width in (DESK, PHONE):
            for is_dark in (False, True):
                self.open(width, is_dark)
                self.assert_clean()
                marks = self.drawn()
                self.assertEqual(list(marks), self.charts)
                self.assertEqual([name for name, count in marks.items() if count == 0], [])
                # 12 cells
                self.assertGreaterEqual(marks["sweep"], 12)

    def test_a_phone_shows_it_without_scrolling_sideways(self):
        self.open(PHONE)
        self.assertEqual(self.browser.evaluate("document.documentElement.scrollWidth"), PHONE)
        out = self.browser.evaluate(
            "[...document.querySelectorAll('svg, h1, h2, p')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
            ".map(e => e.outerHTML.slice(0, 80))")
        self.assertEqual(out, [])
        small = self.browser.evaluate(
            "[...document.querySelectorAll('svg text, td, p')].filter(e => parseFloat(getComputedStyle(e).fontSize) < 11)"
            ".map(e => e.textContent)")
        self.assertEqual(small, [])

    def test_dark_and_light_each_have_text_that_stands_out(self):
        contrast = """(() => {
            const light = c => { const [r, g, b] = c.match(/[0-9.]+/g).map(Number).map(v => v / 255)
                .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
            const card = getComputedStyle(document.querySelector('section')).backgroundColor;
            return [...document.querySelectorAll('svg text')].map(e => getComputedStyle(e).fill)
                .concat([...document.querySelectorAll('section p, td')].map(e => getComputedStyle(e).color))
                .map(c => { const a = light(c), b = light(card); return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); })
                .reduce((a, b) => Math.min(a, b)); })()"""
        for is_dark in (False, True):
            self.open(DESK, is_dark)
            self.assertGreater(self.browser.evaluate(contrast), 4.5)  # WCAG 2.1, 1.4.3

    def test_labels_of_an_axis_do_not_lie_on_each_other(self):
        overlaps = """[...document.querySelectorAll('.role-axis-label')].flatMap(group => {
            const boxes = [...group.querySelectorAll('text')].filter(e => e.textContent && getComputedStyle(e).opacity != '0')
                .map(e => [e.textContent, e.getBoundingClientRect()]);
            return boxes.flatMap(([a, x], i) => boxes.slice(i + 1).filter(([, y]) => x.left < y.right - 1 && y.left < x.right - 1 &&
                x.top < y.bottom - 1 && y.top < x.bottom - 1).map(([b]) => a + ' on ' + b)); })"""
        for width in (DESK, PHONE):
            self.open(width)
            self.assertEqual(self.browser.evaluate(overlaps), [])

    def test_what_users_write_is_shown_and_never_run(self):
        self.open(DESK)
        self.assertEqual(self.browser.evaluate("document.querySelector('.about').textContent"), EVIL)
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('img').length"), 0)
        self.assert_clean()

    def test_the_policy_forbids_eval_and_the_network_and_scripts_that_somebody_adds(self):
        self.open(DESK)
        self.assertTrue(self.browser.evaluate("try { eval('1'); false } catch (error) { error instanceof EvalError }"))
        self.browser.evaluate("fetch('https://example.invalid/').catch(() => 0)")
        self.browser.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
        self.assertIsNone(self.browser.evaluate("window.ran"))
        self.assertTrue(any("Content Security Policy" in text for text in self.browser.complaints()))
        Report.shown = None  # with complaints that are none of the page's

    def test_each_chart_has_its_table_and_the_table_its_numbers(self):
        self.open(DESK)
        rows = self.browser.evaluate(
            "Object.fromEntries([...document.querySelectorAll('main section[id]:not(.missing)')].map(section =>"
            " [section.id, section.querySelectorAll('tbody tr').length]))")
        for part in self.model["parts"]:
            if "missing" not in part:
                self.assertEqual(rows[part["id"]], len(part["rows"]), part["id"])

    def test_it_is_one_file_below_two_megabytes(self):
        self.assertLess(os.path.getsize(self.page), 2_000_000)
        with open(self.page, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(re.findall(r"<(?:link|iframe|img)\b|<script[^>]*\bsrc=", text), [])

    def test_the_commands_beside_the_charts_make_the_same_numbers_again(self):
        for part in self.model["parts"]:
            if part["id"] in ("limits", "percentiles", "sweep"):
                with tempfile.TemporaryDirectory(prefix="headroom-again-") as there:
                    command = part["command"].replace("--db headroom.db", f"--db {self.folder.name}/headroom.db")
                    command = command.replace("headroom ", HEADROOM + " ")
                    done = subprocess.run(["sh", "-c", command], cwd=there, capture_output=True, text=True, timeout=200)
                    self.assertIn(done.returncode, (0, 99), done.stderr)
                    again = json.loads(run(there, "report", "headroom.db", "--json").stdout)
                    self.assertEqual(next(p for p in again["parts"] if p["id"] == part["id"])["rows"], part["rows"], part["id"])


if __name__ == "__main__":
    if chromium.find() is None:
        print("skipped: no Chromium here (Debian: chromium)")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
