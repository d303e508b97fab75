"""The pages: one self-contained HTML file per notebook, without scripts and without requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from nbconvert.exporters.templateexporter import TemplateExporter
from traitlets import List

from crmlib.publish.content import Page, read_page
from crmlib.publish.history import Earlier, day

TEMPLATE = Path(__file__).parent / "template"


@dataclass(frozen=True)
class Link:
    """A page to go to: the notebook's name, its file, and what the link says."""

    name: str
    href: str
    label: str


@dataclass(frozen=True)
class Site:
    """What all pages of a report share.

    Attributes
    ----------
    company, currency : str
    first_day_known, last_day : datetime.date
    links : tuple of Link
        The pages, in reading order.
    earlier : Earlier or None
    language : str
    """

    company: str
    currency: str
    first_day_known: date
    last_day: date
    links: tuple[Link, ...]
    earlier: Earlier | None = None
    language: str = "en"

    @property
    def month(self) -> str:
        """Month and year of the last known day."""
        return f"{self.last_day:%B %Y}"

    @property
    def day(self) -> str:
        """The last known day, in words."""
        return day(self.last_day)

    @property
    def first_day(self) -> str:
        """The first day, in words."""
        return day(self.first_day_known)

    @property
    def style(self) -> Markup:
        """The style sheet that every page carries."""
        return Markup((TEMPLATE / "style.css").read_text(encoding="utf-8").strip())

    @property
    def files(self) -> dict[str, str]:
        """File names of notebooks, and their pages."""
        return {f"{link.name}.ipynb": link.href for link in self.links}


def links_to(notebooks: Sequence[Any]) -> tuple[Link, ...]:
    """Make the links of a report's pages, in reading order."""
    ordered = sorted(notebooks, key=lambda notebook: notebook.name)
    return tuple(Link(notebook.name, f"{notebook.name}.html", notebook.label) for notebook in ordered)


class PageExporter(TemplateExporter):
    """nbconvert's exporter with a template of our own: everything is escaped unless it was made safe.

    Parameters
    ----------
    site : Site
    """

    default_preprocessors = List([])
    file_extension = ".html"
    output_mimetype = "text/html"

    def __init__(self, site: Site, **kwargs: Any):
        super().__init__(
            template_file="page.html.j2", template_paths=[str(TEMPLATE)], template_data_paths=[], **kwargs
        )
        self.site = site

    def _create_environment(self) -> Environment:
        environment = super()._create_environment()
        environment.autoescape = True
        environment.undefined = StrictUndefined
        environment.trim_blocks = environment.lstrip_blocks = True
        return environment

    def from_notebook_node(
        self, nb: Any, resources: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> tuple[str, dict[str, Any]]:
        """Build the page of one executed notebook.

        Parameters
        ----------
        nb : notebook node
        resources : mapping
            ``{"metadata": {"name": <the notebook's name>}}``.

        Returns
        -------
        (str, dict)
            The page, and the resources with ``page``, its parts.

        Raises
        ------
        PageError
            If a figure has no description or a formula cannot be shown.
        """
        name = (resources or {})["metadata"]["name"]
        page = read_page(nb, name, self.site.files)
        return self.render(page), {**(resources or {}), "page": page}

    def render(self, page: Page) -> str:
        """Fill the template with the parts of a page."""
        links = self.site.links
        here = next((i for i, link in enumerate(links) if link.name == page.name), None)
        earlier = self.site.earlier
        return self.fill(
            "page.html.j2",
            page=page,
            contents=[section for section in page.outline if section.level == 2],
            before=links[here - 1] if here else None,
            after=links[here + 1] if here is not None and here + 1 < len(links) else None,
            earlier=earlier.link(f"{page.name}.html") if earlier else None,
        )

    def fill(self, template: str, **parts: Any) -> str:
        """Fill any template of the report."""
        return self.environment.get_template(template).render(site=self.site, **parts).strip() + "\n"
