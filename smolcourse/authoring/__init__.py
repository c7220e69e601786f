"""From one source and its TOML to everything that is generated: `smolcourse build`.

`source.py` reads and validates a jupytext percent script, `render.py` turns it into notebooks,
`reference.py` into importable reference answers, `execute.py` runs solutions. `inputs.py` and
`stored.py` say which have to be run again. `pages.py` fills the blocks of Markdown pages, with what
`results.py`, `exercises.py` and `readme.py` make. `build.py` goes through all of that in order,
compares it with what is on disk and writes what changed.
"""
