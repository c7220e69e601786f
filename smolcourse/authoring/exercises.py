"""The exercise table of a module's page, from the sources and what their TOML says of each."""

from __future__ import annotations

import re
from pathlib import Path

from smolcourse.authoring.source import Source
from smolcourse.errors import CourseError
from smolcourse.markdown import table

COLUMNS = {
    "en": ["Exercise", "Level", "Minutes", "What you do"],
    "zh-CN": ["练习", "等级", "分钟", "你要做什么"],
}


def exercise_table(root: Path, page: Path, prose: str, sources: list[Source], lang: str) -> str:
    """Every exercise of the module whose page this is, in the order in which it is taught.

    Topics come in the order in which the page's own text, `prose`, first links their exercise
    notebooks. Raises `CourseError` for a topic without a link, or an exercise that its TOML does not describe.
    """
    name = page.relative_to(root).as_posix()
    linked = re.findall(r"\(notebooks/(?:zh-CN/)?(\w+)_exercise\.ipynb\)", prose)
    own = [source for source in sources if source.path.is_relative_to(page.parent)]
    for source in own:
        if source.topic not in linked:
            raise CourseError(f"{name} has no link to {source.topic}_exercise.ipynb; add it.")
    rows = []
    for source in sorted(own, key=lambda source: linked.index(source.topic)):
        folder = "notebooks" if lang == "en" else f"notebooks/{lang}"
        for cell in source.exercises():
            said = source.texts.get("exercises", {}).get(cell.id, {})
            if lang not in said:
                raise CourseError(
                    f"{source.name.removesuffix('.py')}.toml does not say what {cell.id} is about; "
                    f'write {lang} = "..." under [exercises."{cell.id}"].'
                )
            link = f"[`{cell.id}`]({folder}/{source.topic}_exercise.ipynb)"
            rows.append([link, cell.attributes["level"], cell.attributes["minutes"], said[lang]])
    return table(COLUMNS[lang], rows)
