#!/usr/bin/env python3
"""Clicks and keys on heatmap's page in a headless Chromium: tests/viewer/browse.py HEATMAP WORK [SCREENSHOTS]
(Debian: chromium, chromium-driver, python3-selenium; without them it prints SKIPPED: and why)

The page is opened as a file, in both colour schemes, with sentences in Arabic and Chinese, with emoji that joiners join and with markup, of 60
words and of 300; what is printed is a PDF.
Exit status 1, and a line for each mistake, for what a click or key should have done and did not, for a complaint in the browser's console,
for a request, and for a page that scrolls sideways. With SCREENSHOTS, a folder, pictures are left there to be looked at.
"""
import base64
import json
import math
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "testing"))
from browser import Browser, check, end, mistakes  # noqa: E402

from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

FAMILY = "\U0001F469\u200d\U0001F469\u200d\U0001F467"  # one picture of three people

# ---- records ----

def softmax(scores):
    parts = [math.exp(x - max(scores)) for x in scores]
    return [round(x / sum(parts), 6) for x in parts]


def maps(chance, layers, heads, rows, columns, causal=False):
    """Maps that follow the diagonal, each head some words beside it; of the decoder, no look ahead."""
    def row(r, head):
        seen = r + 1 if causal else columns
        scores = [4 * math.exp(-(r * columns / rows - c + head) ** 2 / 2) + chance.random() for c in range(seen)]
        return softmax(scores) + [0] * (columns - seen)
    return [{"layer": layer, "head": head, "weights": [row(r, head) for r in range(rows)]}
            for layer in range(layers) for head in range(heads)]


def record(number, model, source, target, layers, heads, own=True):
    chance = random.Random(number)
    sides = [{"text": text, "tokens": [{"text": word} for word in text.split(" ")] + [{"text": "</s>", "eos": True}]} for text in (source, target)]
    columns, rows = (len(side["tokens"]) for side in sides)
    made = {"format": "heed.attention", "version": 2, "id": number, "model": model, "rank": 1, "score": -1.5, "source": sides[0], "target": sides[1],
            "attention": maps(chance, layers, heads, rows, columns)}
    if own:
        made["encoder_self_attention"] = maps(chance, layers, heads, columns, columns)
        made["decoder_self_attention"] = maps(chance, layers, heads, rows, rows, causal=True)
    return made


def with_search(made):
    """Steps, the tree of a beam of two and translations without a word, as they might have been."""
    units = [token["text"] for token in made["target"]["tokens"]]
    made["steps"], made["beam"], parent = [], [], -1
    for t, unit in enumerate(units):
        made["steps"].append({"log_probability": -0.2, "best": [{"text": unit, "log_probability": -0.2}, {"text": "autre", "log_probability": -2.5}]})
        last = t + 1 == len(units)
        made["beam"] += [{"parent": parent, "text": unit, "score": -0.2 * t - 0.2, "fate": "ended" if last else "kept"},
                         {"parent": parent, "text": "autre", "score": -0.2 * t - 2.5, "fate": "pruned"}]
        parent = len(made["beam"]) - 2
    made["without"], made["without_kind"] = [{"word": 1, "text": made["target"]["text"].replace("vieux", "petit"), "score": -3.0}], "mask"
    return made


def with_pieces(made, split):
    """The words of `split` in two pieces; the maps of words follow from those of pieces: columns summed, rows averaged."""
    made["pieces"] = {}
    for side in ("source", "target"):
        made["pieces"][side] = []
        for w, token in enumerate(made[side]["tokens"]):
            text = token["text"] if token.get("eos") else "\u2581" + token["text"]
            parts = (text[:3], text[3:]) if token["text"] in split else (text,)
            made["pieces"][side] += [{"text": part, "word": w} for part in parts]
    columns, rows = made["pieces"]["source"], made["pieces"]["target"]
    made["usual_map"] = {"layer": 0, "head": 1}
    pieces = made["pieces"]["attention"] = maps(random.Random(8), 1, 2, len(rows), len(columns))
    made["attention"] = []
    for one in pieces:
        words = [[0.0] * len(made["source"]["tokens"]) for _ in made["target"]["tokens"]]
        for row, weights in zip(rows, one["weights"]):
            for column, weight in zip(columns, weights):
                words[row["word"]][column["word"]] += weight / sum(other["word"] == row["word"] for other in rows)
        made["attention"].append({**one, "weights": [[min(1, round(x, 6)) for x in row] for row in words]})
    return made


def with_vectors(made, size=4):
    """Queries, keys and values of all layers, from which the maps follow."""
    chance, heads = random.Random(7), 1 + max(one["head"] for one in made["attention"])
    made["vectors"] = []
    units = {side: len(made[side]["tokens"]) for side in ("source", "target")}
    for kind, rows, columns in (("attention", "target", "source"), ("encoder_self_attention", "source", "source"), ("decoder_self_attention", "target", "target")):
        for layer in range(1 + max(one["layer"] for one in made[kind])):
            query, key, value = ([[round(chance.gauss(0, 1), 4) for _ in range(size * heads)] for _ in range(units[side])] for side in (rows, columns, columns))
            made["vectors"].append({"kind": kind, "layer": layer, "query": query, "key": key, "value": value})
            for one in (one for one in made[kind] if one["layer"] == layer):
                part = slice(one["head"] * size, (one["head"] + 1) * size)
                for r in range(units[rows]):
                    seen = r + 1 if kind.startswith("decoder") else units[columns]
                    scores = [sum(a * b for a, b in zip(query[r][part], key[c][part])) / math.sqrt(size) for c in range(seen)]
                    one["weights"][r] = softmax(scores) + [0] * (units[columns] - seen)
    return made


CAT = "The old cat sleeps on the red sofa ."
RECORDS = [
    with_search(record(1, "Transformer, 2 layers", CAT, "Le vieux chat dort sur le canap\u00e9 rouge .", 2, 3)),
    record(1, "additive attention", CAT, "Le vieux chat dort sur un sofa rouge .", 1, 1, own=False),
    record(2, "Transformer ar", "\u0627\u0644\u0642\u0637\u0629 \u0627\u0644\u0639\u062c\u0648\u0632 \u062a\u0646\u0627\u0645 \u0639\u0644\u0649 "
           "\u0627\u0644\u0623\u0631\u064a\u0643\u0629 .", "The old cat sleeps on the sofa .", 1, 2),
    record(3, "Transformer <i>zh</i>", "\u8001\u732b \u7761 \u5728 \u7ea2\u8272 \u6c99\u53d1 \u4e0a \u3002",
           f"The old {FAMILY} </script><script>alert(1)</script> <b>cat</b> &amp; \u2066sleeps .", 1, 2),
    record(4, "Transformer, 6 layers", " ".join(f"word{i}" for i in range(59)), " ".join(f"mot{i}" for i in range(59)), 6, 8),
    with_vectors(record(5, "Transformer, 2 layers", "The cat sleeps .", "Le chat dort .", 2, 3)),
    with_pieces(record(6, "of pieces", "A sofa is red .", "Un canap\u00e9 est rouge .", 1, 2, own=False), ("sofa", "canap\u00e9")),
    record(7, "two heads", " ".join(f"w{i}" for i in range(299)), " ".join(f"m{i}" for i in range(299)), 1, 2, own=False),
]
GOLD = ["0-0 1-1 2-2 3-3 4-4 5-5 6?7 7-6 8-8"] + [""] * 6  # of the lines that records are of


def alignment_error(matrix):
    """Of a map of the first sentence."""
    links = {(max(range(9), key=row.__getitem__), t) for t, row in enumerate(matrix[:9])}
    sure, possible = ({tuple(int(n) for n in re.split("[-?]", link)) for link in GOLD[0].split() if "-" in link or kind} for kind in (False, True))
    return 1 - (len(links & sure) + len(links & possible)) / (len(links) + len(sure))


# ---- the browser ----

class Page(Browser):
    def __init__(self, url, pictures):
        super().__init__(pictures)
        self.scheme("light")
        self.driver.get(url)

    def scheme(self, name):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]})

    def keys(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)

    def open(self, text):
        """The first sentence with this text in it."""
        self.run("const list = document.getElementById('sentence'); list.value = [...list.options].find(one => one.textContent.includes(arguments[0])).value;"
                 "list.dispatchEvent(new Event('change'))", text)

    def to(self, element):
        return webdriver.ActionChains(self.driver, duration=0).move_to_element(element)

    def click(self, cell):
        self.to(self.all(".stage .drawn > svg g rect")[cell]).click().perform()

    def status(self):
        return self.one("#status").text

    def choose(self, title, value):
        self.run("const list = [...document.querySelectorAll('select')].find(one => one.title === arguments[0]);"
                 "list.value = arguments[1]; list.dispatchEvent(new Event('change'))", title, value)


# ---- what is tried ----

def hover_lock_and_keys(page):
    check(len(page.all(".panel")) == 2, "two models of a sentence are not side by side")
    cell = page.all(".stage .drawn > svg g rect")[0]
    page.to(cell).perform()
    check("Le looks at The with 0." in page.status() and "in panel 2" in page.status(), f"hover says: {page.status()}")
    check(len(page.all(".over svg")) == 2, "the same words are not lit in both panels")
    check(page.all(".linesview.focused .link.lit"), "hover lights no line")
    page.to(cell).click().perform()
    check("Locked" in page.status(), f"a click does not lock: {page.status()}")
    page.to(page.one("#status")).perform()
    check("Le looks at The" in page.status(), "what is locked does not stay")
    page.keys(Keys.ESCAPE)
    check(page.status().startswith("Point at"), f"Esc does not free: {page.status()}")
    page.run("document.querySelector('.stage').focus()")
    page.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_RIGHT)
    check("vieux looks at old" in page.status(), f"arrows lead to: {page.status()}")
    page.keys(Keys.END)
    check("vieux looks at </s>" in page.status(), f"End leads to: {page.status()}")
    page.keys(Keys.ESCAPE)
    page.picture("two-models-light")


def maps_and_settings(page):
    page.keys("]")
    check("layer 0, head 0" in page.run("return document.querySelector('.stage').getAttribute('aria-label')"), "] shows no single head")
    page.choose("Order", "entropy")
    captions = [float(one.text.split(":")[1]) for one in page.all("#heads figcaption") if ":" in one.text]
    check(len(captions) == 6 and captions == sorted(captions), f"heads sorted by entropy: {captions}")
    page.choose("Order", "error")
    captions = [one.text.split(": ") for one in page.all("#heads figcaption") if ":" in one.text]
    wanted = {f"layer {one['layer']}, head {one['head']}": 100 * alignment_error(one["weights"]) for one in RECORDS[0]["attention"]}
    found = {name: float(error.rstrip(" %")) for name, error in captions}
    check(list(found.values()) == sorted(found.values()) and len(set(found.values())) > 1, f"heads sorted by alignment error: {captions}")
    check(found.keys() == wanted.keys() and all(abs(found[name] - wanted[name]) < 0.06 for name in found), f"alignment errors {found}, not {wanted}")
    page.picture("heads-by-error-light")
    page.choose("Order", "model")
    page.choose("Kind of attention", "decoder")
    check(page.all('.stage rect[fill="url(#hatch)"]'), "words that are not written yet are not hatched")
    check("\u2192" in page.one(".stage").text, "the word fed to the decoder is not shown")
    page.choose("Kind of attention", "cross")
    page.choose("Map", "mean")
    page.keys("d")
    check(page.all("#difference .stage svg"), "d shows no difference")
    page.one('[data-key="table"]').click()
    check(len(page.all("#table tbody tr")) == 10, "the table lacks rows")
    page.one("#look").click()
    page.choose("end marks", "rescale")
    check(len(page.all("#table tbody tr")) == 9, "end marks are not hidden")
    cells = [float(cell.text) for cell in page.all("#table tbody tr:first-child td")]
    check(abs(sum(cells) - 1) < 0.01, f"a row sums to {sum(cells)}")
    for name in ("viridis", "cividis", "greys"):
        page.choose("colours", name)
    page.picture("difference-greys-light")
    page.choose("colours", "cubehelix")
    page.choose("end marks", "show")
    page.keys("d")
    page.one('[data-key="table"]').click()
    page.one("#look").click()


def steps(page):
    check(not page.all("#steps[hidden]") and page.all("#steps .tree svg"), "the steps are not shown")
    page.keys(".", ".")
    check(page.one("#steps .now").text == "chat", f"two steps on is {page.one('#steps .now').text}")
    check("chat looks most at" in page.status(), f"a step lights no row: {page.status()}")
    taken = page.one("#steps .taken").text
    check("chat" in taken and "81.9 %" in taken, f"the step's words are {taken}")
    check("9 pruned" not in page.run("return document.querySelector('#steps .tree svg').getAttribute('aria-label')")
          and "10 pruned" in page.run("return document.querySelector('#steps .tree svg').getAttribute('aria-label')"), "the tree lacks pruned branches")
    check([one.text for one in page.all("#without .mark")] == ["petit"], "what changes without a word is not marked")
    check("with the word masked" in page.one("#without p").text, f"how the words are taken away is told as {page.one('#without p').text!r}")
    page.picture("steps-light")
    page.run("document.querySelector('#without').style.width = '15rem'")
    wide = page.run("const one = document.querySelector('#without .scroll'); return one.scrollWidth - one.clientWidth")
    check(wide <= 0, f"in a narrow panel {wide} pixels of what is translated without a word are out of sight, and the score with them")
    page.run("document.querySelector('#without').style.width = ''")
    page.keys(Keys.ESCAPE)


def computed(page):
    """Every kind and head: the weight that follows from the vectors is the map's."""
    page.open("cat sleeps .")
    page.to(page.one("#help")).perform()
    check("Point at a cell" in page.one("#computed").text, f"no cell, and it says {page.one('#computed').text!r}")
    for kind in ("cross", "encoder", "decoder"):
        page.choose("Kind of attention", kind)
        page.choose("Map", "mean")
        page.click(0)
        check("Choose a single head" in page.one("#computed").text, "a mean of heads is computed")
        page.keys(Keys.ESCAPE)
        for head in (0, 4, 5):
            page.choose("Map", str(head))
            for cell in (0, 1, 8):
                page.click(cell)
                said, found = page.status(), page.one("#computed").text
                if "cannot look" in said:
                    check("not written yet" in found, f"a masked cell is computed: {found}")
                else:
                    weight = float(said.split(" with ")[1].split(" ")[0])
                    check(abs(float(page.one("#computed p b:last-child").text) - weight) < 2e-4, f"{kind} {head}: {said} is computed as {found}")
                    check(page.all("#computed table tr")[-1].text.split()[-1] == "1.000", f"the row does not sum to 1: {found}")
                page.keys(Keys.ESCAPE)
    page.choose("Kind of attention", "cross")
    page.choose("Map", "4")
    page.click(2)
    page.picture("computed-light")
    page.keys(Keys.ESCAPE)
    page.choose("Map", "mean")
    page.open("The old cat")


def exports(page):
    page.run("window.saved = {}; URL.createObjectURL = blob => { blob.text().then(text => { window.saved[blob.type] = text }); return 'blob:x'; };"
             "HTMLAnchorElement.prototype.click = () => {}")
    for name in ("SVG", "PNG", "CSV"):
        page.one(f'[data-key="{name}"]').click()
    for _ in range(400):
        if len(page.run("return Object.keys(window.saved)")) == 3:
            break
        time.sleep(0.05)
    saved = page.run("return window.saved")
    check(saved.get("image/svg+xml", "").startswith("<svg xmlns=") and "canap" in saved["image/svg+xml"], "no SVG is saved")
    error = page.run("return new DOMParser().parseFromString(window.saved['image/svg+xml'], 'image/svg+xml').querySelector('parsererror')?.textContent")
    check(not error, f"the SVG is no XML: {error}")
    check(len(saved.get("image/png", "")) > 1000, "no PNG is saved")
    check("Transformer, 2 layers" in saved.get("text/csv", "") and saved["text/csv"].count("\n") == 1 + 200, "no CSV is saved")


def scripts_and_markup(page):
    page.scheme("dark")
    page.one("#next").click()
    check(page.run("return document.documentElement.dataset.theme") == "dark", "the page is not dark where the system is")
    labels = page.run("return [...document.querySelectorAll('.stage .drawn > svg text')].filter(one => one.getAttribute('transform') || one.getAttribute('dy'))"
                      ".map(one => [one.textContent, Number(one.getAttribute('x'))])")
    places = {text: x for text, x in labels}
    first, last = RECORDS[2]["source"]["tokens"][0]["text"], RECORDS[2]["source"]["tokens"][4]["text"]
    check(places[first] > places[last], "the columns of Arabic do not run from right to left")
    page.picture("arabic-dark")
    page.one("#look").click()
    page.choose("columns run", "ltr")
    places = dict(page.run("return [...document.querySelectorAll('.stage .drawn > svg text')].map(one => [one.textContent, Number(one.getAttribute('x'))])"))
    check(places[first] < places[last], "the order of columns cannot be set by hand")
    page.choose("columns run", "auto")
    page.one("#look").click()
    page.one("#next").click()
    text = page.one(".texts").text
    check("</script><script>alert(1)</script> <b>cat</b> &amp;" in text, f"markup does not stay text: {text}")
    shown = page.run("return [...document.querySelectorAll('.stage text')].map(one => one.textContent)")
    check(FAMILY in shown, "an emoji of several is cut")
    check("\u27e82066\u27e9sleeps" in shown, "a control of direction is not made visible")
    page.picture("chinese-dark")


def long_sentence(page):
    begin = time.monotonic()
    page.one("#next").click()
    page.run("return document.body.offsetHeight")
    took = time.monotonic() - begin
    check(page.all(".stage canvas") or page.all(".stage .drawn > svg"), "a long sentence is not drawn")
    page.scheme("light")
    page.picture("long-light")
    print(f"60 words, 6 layers of 8 heads: opened in {took:.2f} s")
    check(took < 5, f"a sentence of 60 words takes {took:.1f} s")  # a second on a machine that does nothing else


def labels(page):
    return page.run("return [...document.querySelectorAll('.stage .drawn > svg text')].map(one => one.textContent)")


def words_or_pieces(page):
    page.open("A sofa is red")
    check("alignment error" not in page.one("#panels").text, "a sentence without gold links has an alignment error")
    check("sofa" in labels(page) and "fa" not in labels(page), f"the words are {labels(page)}")
    row = page.run("return document.querySelectorAll('.stage .drawn > svg g rect').length")
    page.keys("w")
    check({"\u2581so", "fa", "nap\u00e9"} <= set(labels(page)), f"the pieces are {labels(page)}")
    check(page.run("return document.querySelectorAll('.stage .drawn > svg g rect').length") > row, "pieces have no more cells than words")
    page.picture("pieces-light")
    page.one("#look").click()
    page.choose("units", "words")
    check("sofa" in labels(page), "words do not come back")
    check("layer 0, head 1, the run's choice" in page.one("#panels").text, "the map that the run chose is not the first shown")
    page.one("#look").click()
    page.open("The old cat")


def printed(page):
    """On paper are the sentence and its pictures, light, and nothing to click."""
    page.scheme("dark")
    page.run("document.activeElement.blur()")
    pdf = page.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": False, "preferCSSPageSize": True})["data"]
    pages = len(re.findall(rb"/Type /Page\b", base64.b64decode(pdf)))
    check(1 <= pages <= 4, f"the print has {pages} pages")
    print(f"printed: {pages} pages")
    if page.pictures:
        (page.pictures / "print.pdf").write_bytes(base64.b64decode(pdf))
    if shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", "-", "-"], input=base64.b64decode(pdf), capture_output=True, check=True).stdout.decode()
        check("canap" in text and "Without one word" in text, f"the print lacks words: {text}")
        check(not any(word in text for word in ("Settings", "Add panel", "by entropy", "Point at", "Esc")), f"controls are printed: {text}")
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    page.run("dispatchEvent(new Event('beforeprint'))")
    seen = page.run("return [...document.querySelectorAll('button, select, input, footer, header, dialog')].filter(one => one.checkVisibility())"
                    ".filter(one => !one.closest('#heads .grid')).map(one => one.outerHTML.slice(0, 60))")
    check(not seen, f"controls are on paper: {seen}")
    check(page.run("return [...document.querySelectorAll('.stage .drawn')].some(one => one.checkVisibility())"), "the matrix is not on paper")
    check(page.run("return document.documentElement.dataset.theme") == "light", "paper is dark")
    page.picture("print-light")
    page.open("cat sleeps .")
    check(page.all("#computed.told:not([hidden])") and not page.one("#computed").is_displayed(), "how to choose a cell is on paper")
    page.open("The old cat")
    page.run("dispatchEvent(new Event('afterprint'))")
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    page.scheme("light")
    check(not page.all("header:not([hidden])") or page.one("header").is_displayed(), "controls do not come back")


def three_hundred_words(page):
    begin = time.monotonic()
    page.open("w0 w1 w2")
    page.run("return document.body.offsetHeight")
    took = time.monotonic() - begin
    stage = page.one(".stage .drawn")
    page.run("arguments[0].scrollIntoView({block: 'center'})", page.one(".stage"))
    page.to(page.one(".stage")).perform()
    check(" looks at " in page.status(), f"of 300 words hover says: {page.status()}")
    check(stage.size["width"] > 250, f"300 words are drawn {stage.size} large")
    page.run("scrollTo(0, 0)")
    page.picture("300-words-light")
    page.scheme("dark")
    page.picture("300-words-dark")
    print(f"300 words, 2 heads: opened in {took:.2f} s")
    check(took < 10, f"a sentence of 300 words takes {took:.1f} s")


def dark_pictures(page):
    for text, name in (("The old cat", "two-models-dark"), ("cat sleeps .", "computed-dark"), ("word0 word1", "long-dark")):
        page.open(text)
        page.picture(name)


def main():
    if len(sys.argv) not in (3, 4):
        raise SystemExit(__doc__)
    heatmap, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    pictures = pathlib.Path(sys.argv[3]).resolve() if sys.argv[3:] else None
    work.mkdir(parents=True, exist_ok=True)
    (work / "records.jsonl").write_text("".join(json.dumps(one) + "\n" for one in RECORDS))
    (work / "gold").write_text("".join(line + "\n" for line in GOLD))
    subprocess.run([heatmap, "--records", work / "records.jsonl", "--gold", work / "gold", "-o", work / "page.html"], check=True)
    page = Page((work / "page.html").as_uri(), pictures)
    try:
        for part in (hover_lock_and_keys, maps_and_settings, steps, words_or_pieces, printed, computed, exports, scripts_and_markup, long_sentence,
                     three_hundred_words, *((dark_pictures,) if pictures else ())):
            part(page)
        mistakes.extend(page.complaints())
        mistakes.extend(f"asks for {name}" for name in page.asked())
    finally:
        page.driver.quit()
    end("the page does what clicks and keys ask of it")


if __name__ == "__main__":
    main()
