"""A letter as a web page: its text in order, every word escaped, readable without styles and scripts."""

from __future__ import annotations

from functools import cache
from typing import Final

from jinja2 import Environment, Template

from cjp_fraud.notices.letter_layout import blocks

_PAGE: Final = """\
<!DOCTYPE html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ subject }}</title>
<style>
body { font: 1rem/1.5 Georgia, "Noto Serif", "Noto Serif CJK JP", serif }
main { max-width: 42rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.3rem } h2 { font-size: 1.1rem } p, li { overflow-wrap: anywhere }
</style>
</head>
<body>
<main>
<h1>{{ subject }}</h1>
{%- for block in blocks %}
{%- if block.kind == "heading" %}
<h2>{{ block.lines[0] }}</h2>
{%- elif block.kind == "items" %}
<ul>
{%- for line in block.lines %}
<li>{{ line }}</li>
{%- endfor %}
</ul>
{%- else %}
<p>{% for line in block.lines %}{{ line }}{% if not loop.last %}<br>
{% endif %}{% endfor %}</p>
{%- endif %}
{%- endfor %}
</main>
</body>
</html>
"""


def page(subject: str, body: str, language: str) -> str:
    """Return a letter as an HTML page.

    Parameters
    ----------
    language : of its words (BCP 47).
    """
    return _page().render(subject=subject, blocks=blocks(body), language=language) + "\n"


@cache
def _page() -> Template:
    return Environment(autoescape=True).from_string(_PAGE)
