#!/usr/bin/env python3
"""The page of translator serve in a headless Chromium: browse.py TRANSLATOR [SCREENSHOTS]
(Debian: chromium, chromium-driver, python3-selenium; without them it prints SKIPPED: and why)

Types, edits the translation, sets a second translator beside the first, opens a link, and looks at what is said when the server has gone.
"""
import pathlib
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "testing"))
from browser import Browser, check, end, mistakes  # noqa: E402

from selenium.common.exceptions import StaleElementReferenceException  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

from server import Server  # noqa: E402


class Page(Browser):
    def value(self, name):
        return self.one("#" + name).get_attribute("value")

    def wait(self, condition, what):
        try:
            WebDriverWait(self.driver, 30, 0.05, ignored_exceptions=[StaleElementReferenceException]).until(lambda _: condition())
        except Exception:
            mistakes.append(f"{what}: it says {self.one('#said').text!r}, translation {self.value('translation')!r}")

    def type(self, name, text):
        box = self.one("#" + name)
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(text)

    def link(self):
        return urllib.parse.parse_qs(urllib.parse.urlparse(self.driver.current_url).fragment)


def try_page(page, server):
    page.driver.get(server.url)
    page.wait(lambda: page.all("#model option"), "the translators are not listed")
    page.type("text", "I am a student.")
    wanted = server.json("/attention", {"q": "I am a student.", "model": "en-fr"})["target"]["text"]
    page.wait(lambda: page.value("translation") == wanted, "what is typed is not translated")
    page.wait(lambda: len(page.all(".panel .stage svg")) >= 1, "no attention is drawn")
    check(len(page.all("#others button")) == 5, f"the beam shows {len(page.all('#others button'))} translations")
    check(page.link()["q"] == ["I am a student."], f"the link holds {page.link()}")
    page.picture("typed")

    second = page.all("#others button")[1].text
    page.all("#others button")[1].click()
    page.wait(lambda: page.value("translation") == second and "your translation" in page.one("#said").text, "another of the beam is not taken")
    page.type("translation", "Je suis un homme.")
    page.wait(lambda: "Je suis un homme." in page.one(".panel .target").text, "an edited translation is not looked at")
    check(page.link()["translation"] == ["Je suis un homme."], f"the link holds {page.link()}")
    page.picture("edited")
    edited = page.driver.current_url

    Select(page.one("#beside")).select_by_value("en-fr-none")
    page.wait(lambda: len(page.all(".panel")) == 2, "no second translator is beside the first")
    page.wait(lambda: "no attention" in page.all(".panel")[1].text, "a translator without attention says nothing")
    page.picture("beside")
    Select(page.one("#beside")).select_by_value("")
    page.one("#own").click()
    page.wait(lambda: page.value("translation") == wanted, "the translator's own translation does not come back")
    Select(page.one("#model")).select_by_value("en-de")
    page.wait(lambda: "Student" in page.value("translation"), "another translator is not asked")
    Select(page.one("#beam")).select_by_value("1")
    page.wait(lambda: not page.all("#others button") or len(page.all("#others button")) == 1, "a greedy search shows a beam")

    page.driver.get("about:blank")
    page.driver.get(edited)
    page.wait(lambda: page.value("text") == "I am a student." and page.value("translation") == "Je suis un homme." and page.all(".panel .stage svg"), "a link does not open what it holds")

    page.type("text", "<script>alert(1)</script> </textarea> & \u0645\u0631\u062d\u0628\u0627 \u4f60\u597d")
    page.wait(lambda: "translated in" in page.one("#said").text, "markup and other scripts are not translated")
    page.type("text", "x" * 6000)
    page.wait(lambda: "characters, and 5000 are allowed" in page.one("#said").text, "a text that is too long is not refused")
    page.type("text", "It rains.")
    page.wait(lambda: "translated in" in page.one("#said").text, "it does not go on after an error")
    page.one("#text").send_keys(Keys.CONTROL, "a")
    page.one("#text").send_keys(Keys.DELETE)
    page.wait(lambda: page.value("translation") == "", "an empty text leaves a translation")
    logs = [message for message in page.complaints() if "status of 413" not in message]
    check(not logs, f"the browser complains: {logs}")
    check(all(name.startswith(server.url) for name in page.asked()), f"it asks others: {page.asked()}")
    server.stop()
    page.type("text", "Gone.")
    page.wait(lambda: page.one("#said.error").text, "a server that has gone is not said")


def main():
    with Server(sys.argv[1], "-r", "en-fr", "-r", "en-fr-none", "-r", "en-de") as server:
        page = Page(pathlib.Path(sys.argv[2]).resolve() if sys.argv[2:] else None)
        try:
            try_page(page, server)
        finally:
            page.driver.quit()
    end("the page answers what is typed")


if __name__ == "__main__":
    main()
