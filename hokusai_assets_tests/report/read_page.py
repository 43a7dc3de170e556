"""Reads a page roughly as a browser's accessibility tree does."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """What a page holds.

    Attributes:
        open: elements that were not closed.
        outside: what it links to or loads, but for places in the page itself.
        tables, headers: how many tables, and header cells with a scope.
        headings: levels of its headings, in order.
        ids: every id.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []
        self.tables = self.headers = 0
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._noted(tag, attributes)
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._noted(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def _noted(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        links = [given.get(name) for name in ("src", "href", "srcset", "xlink:href")]
        self.outside += [link for link in links if link and not link.startswith("#")]
        self.tables += tag == "table"
        self.headers += tag == "th" and "scope" in given
        if tag in ("h1", "h2", "h3", "h4"):
            self.headings.append(int(tag[1]))
        if found := given.get("id"):
            self.ids.append(found)
