"""From one source file to four notebooks and the reference answers.

`source.py` reads and validates a jupytext percent script, `render.py` turns it into notebooks,
`reference.py` into importable reference answers, `execute.py` runs solutions, and `build.py`
compares all of that with what is on disk and writes what changed.

Run it as `smolcourse build` or as `python -m smolcourse.authoring`.
"""
