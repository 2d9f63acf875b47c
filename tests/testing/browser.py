"""A headless Chromium for tests of pages (Debian: chromium, chromium-driver, python3-selenium; without them the program ends with SKIPPED: and why)."""
import shutil

try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
except ImportError:
    raise SystemExit(print("SKIPPED: no selenium (Debian: python3-selenium)"))
if not shutil.which("chromedriver"):
    raise SystemExit(print("SKIPPED: no chromedriver (Debian: chromium, chromium-driver)"))

mistakes = []


def check(true, what):
    if not true:
        mistakes.append(what)


def end(said):
    """Exit status 1, and a line for each mistake, where there were any."""
    if mistakes:
        raise SystemExit("\n".join(mistakes))
    print(said)


class Browser:
    def __init__(self, pictures=None):
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1300,900"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver, self.pictures = webdriver.Chrome(options=options), pictures
        if pictures:
            pictures.mkdir(parents=True, exist_ok=True)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def asked(self):
        """The addresses that the page fetched something from."""
        return self.run("return performance.getEntriesByType('resource').map(one => one.name)")

    def picture(self, name):
        """Leaves a picture where there is a folder for them; a page that scrolls sideways is a mistake."""
        wide = self.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        check(wide <= 0, f"{name}: the page scrolls {wide} pixels sideways")
        if self.pictures:
            high = self.run("return document.documentElement.scrollHeight")
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                        {"width": 1300, "height": min(max(high, 600), 2400), "deviceScaleFactor": 1, "mobile": False})
            self.driver.save_screenshot(str(self.pictures / f"{name}.png"))
