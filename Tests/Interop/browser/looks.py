"""What a page looks like to those who read it: contrast, width, and pictures of it in docs/pictures/."""

import os
import struct

from harness.process import REPOSITORY

PICTURES = REPOSITORY / "docs/pictures"
#: Bytes and pixels across that a picture has at the most.
SIZE, WIDTH = 60 * 1024, 800

#: Every text and its contrast (WCAG 2.2, 1.4.3) with what lies behind it, and of each control's border (1.4.11).
CONTRASTS = """(() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (text) => {
    const [r, g, b] = channels(text).slice(0, 3).map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const opaque = (text) => { const c = channels(text); return c.length < 4 || c[3] === 1 };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if (opaque(color)) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    const style = getComputedStyle(element);
    const words = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (words || element.matches("input:not([type=hidden])"))
      found.push([element.tagName, "text", ratio(style.color, behind(element))]);
    if (element.matches("input:not([type=hidden])"))
      found.push([element.tagName, "border", ratio(style.borderTopColor, behind(element.parentElement))]);
  }
  return found;
})()"""


def assert_legible(page):
    """In light and in dark, and on a screen 320 px wide."""
    for scheme in ("light", "dark"):
        page.scheme(scheme)
        contrasts = page.see(CONTRASTS)
        assert contrasts
        for element, part, ratio in contrasts:
            assert ratio >= (4.5 if part == "text" else 3), (scheme, element, part, ratio)
    papers = set()
    for scheme in ("light", "dark"):
        page.scheme(scheme)
        papers.add(page.see("getComputedStyle(document.body).backgroundColor"))
    assert len(papers) == 2, papers
    page.scheme("light")
    page.size(320, 640)
    assert page.see("document.documentElement.scrollWidth") <= 320
    assert page.see("[...document.querySelectorAll('main, main *')].every(e => e.getBoundingClientRect().right <= 320)")
    page.size(800)


def picture(name, page, height=480, whole=False):
    """Puts a picture of the page into the documentation when asked to; holds the one that is there to its size."""
    file = PICTURES / f"{name}.png"
    if os.environ.get("POSTERN_UPDATE_DOCS") == "1":
        page.size(WIDTH, height)
        PICTURES.mkdir(exist_ok=True)
        file.write_bytes(page.picture(whole))
        page.size(WIDTH)
    assert file.exists(), f"{file} is missing: POSTERN_UPDATE_DOCS=1 pytest browser makes it"
    data = file.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(data) <= SIZE, len(data)
    assert struct.unpack(">I", data[16:20])[0] <= WIDTH
