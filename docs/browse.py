#!/usr/bin/env python3
"""Opens the site in a headless Chromium: docs/browse.py HTML [SCREENSHOTS]      (Debian: chromium-driver, python3-selenium)

Every page that the front page's navigation leads to is opened from a local server at 1280 and at 400 pixels, and once as a file. Exit status 1,
and a line for each mistake, for a page that does not open, asks another host or for what is not there, scrolls sideways, or complains in the
browser's console; and when a search from the front page finds nothing. With SCREENSHOTS, a folder, pictures of the pages' beginnings are left there.
"""
import functools
import http.server
import pathlib
import sys
import threading

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

WIDTHS = {1280: 900, 400: 800}


class Server(http.server.ThreadingHTTPServer):
    """Serves a folder, and remembers what was asked for and is not there."""

    def __init__(self, folder):
        self.missing = missing = []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_GET(self):
                if self.path != "/favicon.ico":  # which the browser asks for by itself
                    return super().do_GET()
                self.send_response(204)
                self.end_headers()

            def send_error(self, code, *arguments, **named):
                missing.append(f"{code} for {self.path}")
                super().send_error(code, *arguments, **named)

        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"


def browser():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "WARNING"})
    return webdriver.Chrome(options=options)


def at_width(driver, width):
    """A window of that width; headless Chromium's own windows have a least one."""
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                           {"width": width, "height": WIDTHS[width], "deviceScaleFactor": 1, "mobile": width < 600})


def look(driver, url, mistakes):
    driver.get(url)
    WebDriverWait(driver, 30).until(lambda d: d.execute_script("return document.readyState") == "complete")
    wide = driver.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        mistakes.append(f"{url}: scrolls {wide} pixels sideways")
    if not driver.find_elements(By.TAG_NAME, "h1") and "/reference/" not in url:
        mistakes.append(f"{url}: has no heading")
    mistakes += [f"{url}: {entry['message']}" for entry in driver.get_log("browser")]
    others = driver.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    mistakes += [f"{url}: asks for {name}" for name in others if name.startswith("http") and "//127.0.0.1" not in name]


def search(driver, url, words, mistakes):
    """Types the words into the search of a page and expects a result."""
    driver.get(url)
    at_width(driver, 1280)
    try:
        field = driver.find_element(By.CSS_SELECTOR, "input.md-search__input")
        driver.execute_script("arguments[0].focus()", field)
        field.send_keys(words)
        WebDriverWait(driver, 20).until(lambda d: d.find_elements(By.CSS_SELECTOR, ".md-search-result__item a"))
    except WebDriverException:
        mistakes.append(f"{url}: the search finds nothing for '{words}'")


def main():
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    folder = pathlib.Path(sys.argv[1]).resolve()
    pictures = pathlib.Path(sys.argv[2]) if sys.argv[2:] else None
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    server, driver, mistakes = Server(folder), browser(), []
    try:
        driver.get(server.url + "index.html")
        found = driver.execute_script("return [...document.querySelectorAll('nav.md-nav--primary a[href]')].map(a => a.href.split('#')[0])")
        pages = sorted({url.removeprefix(server.url) for url in found if url.startswith(server.url)} - {""} | {"index.html"})
        for width in WIDTHS:
            at_width(driver, width)
            for page in pages:
                look(driver, server.url + page, mistakes)
                if pictures:
                    driver.save_screenshot(str(pictures / f"{page.replace('/', '-').removesuffix('.html')}-{width}.png"))
        for page in pages:
            look(driver, (folder / page).as_uri(), mistakes)
        search(driver, server.url + "index.html", "attention", mistakes)
        search(driver, (folder / "index.html").as_uri(), "attention", mistakes)
    finally:
        driver.quit()
    mistakes += server.missing
    if len(pages) < 10:
        mistakes.append(f"{folder}: the navigation leads to {len(pages)} pages only")
    if mistakes:
        raise SystemExit("\n".join(mistakes))
    print(f"{folder}: {len(pages)} pages opened at {' and '.join(map(str, WIDTHS))} pixels and as files; the search finds")


if __name__ == "__main__":
    main()
