"""What a committed text must not contain: addresses of package indexes, paths of one machine.

The forbidden words are put together from pieces, so that this file does not contain them.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
# Learners in different places use different mirrors, so no committed file names an index.
INDEX_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("test", "pypi", "org"),
        ("download", "pytorch", "org"),
        ("conda", "anaconda", "org"),
        ("pypi", "tuna", "tsinghua"),
        ("mirrors", "tuna", "tsinghua"),
        ("mirrors", "aliyun", "com"),
        ("mirrors", "ustc", "edu"),
        ("pypi", "douban", "com"),
        ("mirrors", "cloud", "tencent"),
        ("mirrors", "huaweicloud", "com"),
        ("hf-mirror", "com"),
        ("registry", "npmjs", "org"),
    )
]
# Absolute paths below the folders where people and programs keep files, on Linux, macOS, Windows.
_FOLDERS = "|".join(("home", "root", "Users", "tmp", "var", "mnt", "opt", "work", "private"))
PATHS = re.compile(rf"(?<![\w.~>/\-:*}}\])])/(?:{_FOLDERS})/[\w.~-]+|\b[A-Z]:\\+Users\\+")


def machine_traces(text: str) -> list[str]:
    """The forbidden things found in a text; empty is what we want."""
    found = [host for host in INDEX_HOSTS if host in text]
    found += [match.group() for match in PATHS.finditer(text)]
    if str(ROOT) != "/" and str(ROOT) + "/" in text:
        found.append(f"the path of this repository ({ROOT.name})")
    return found
