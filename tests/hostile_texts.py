"""Two hundred and more texts that want to be obeyed: markup, addresses, templates, directions."""

from itertools import product

# What would count, were it run: the test's page counts calls.
CALL = "window.__ran=(window.__ran||0)+1"

_WRAPPINGS = (
    "{}",
    "'{}",
    '"{}',
    '">{}',
    "'>{}",
    "</title>{}",
    "</style>{}",
    "</script>{}",
    "</svg>{}",
    "</bdi></td></table>{}",
    "--><!-- -->{}",
    "]]>{}",
)
_PAYLOADS = (
    f"<script>{CALL}</script>",
    f"<ScRiPt>{CALL}</sCrIpT>",
    f"<script src=data:text/javascript,{CALL}></script>",
    f"<img src=x onerror={CALL}>",
    f"<svg onload={CALL}>",
    f"<svg><script>{CALL}</script></svg>",
    f"<iframe srcdoc='<script>parent.{CALL}</script>'></iframe>",
    f"<iframe src='javascript:parent.{CALL}'></iframe>",
    f"<body onload={CALL}>",
    f"<input autofocus onfocus={CALL}>",
    f"<details open ontoggle={CALL}>",
    f"<video><source onerror={CALL}></video>",
    f"<a href='javascript:{CALL}' id=hostile>x</a>",
    f"<form action='javascript:{CALL}'><button id=hostile>x</button></form>",
    f"<meta http-equiv=refresh content='0;javascript:{CALL}'>",
    f"<base href='javascript:{CALL}//'>",
    f"<math><mtext></form><form><mglyph><style></math><img src onerror={CALL}>",
    f"<style>@import 'data:text/css,*{{x:expression({CALL})}}'</style>",
)
_ALONE = (
    f"javascript:{CALL}",
    f" java\tscript:{CALL}",
    f"JaVaScRiPt:{CALL}",
    f"data:text/html,<script>{CALL}</script>",
    f"vbscript:{CALL}",
    "{{7*7}}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{% for x in range(3) %}x{% endfor %}",
    "{# comment #}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "\u202egnp.exe\u202c",
    "\u2066isolate\u2069\u200f\u061c",
    "zero\u200bwidth\ufeff\u00ad",
    "nul\x00 bell\x07 escape\x1b[31m",
    "line\u2028separator\u2029",
    "tag\U000e0041\U000e007f",
    "\ud800 lone surrogate".encode("utf-8", "replace").decode(),
    "&lt;script&gt;&#60;b&#62;",
    "&#x3c;img src=x onerror=1&#x3e;",
    "Z̸̡͇̼͔a͎̠l̵g̷o̴" * 40,
    "中文" * 200,
    "x" * 10_000,
    "<" * 10_000,
    "\u202e" * 10_000,
    "a " * 5_000,
    "url(javascript:alert(1))",
    "');DROP TABLE report;--",
    "%0d%0aSet-Cookie:x=1",
    "..\\..\\..\\windows",
    '=HYPERLINK("javascript:1")',
)

HOSTILE: tuple[str, ...] = (
    *(wrapping.format(payload) for payload, wrapping in product(_PAYLOADS, _WRAPPINGS)),
    *_ALONE,
)
