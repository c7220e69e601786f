"""What the course knows about each exercise: one file of checkers a module, and its messages.

`<module>.py` holds functions marked `@checker("sft.mask")`; `messages/<module>.toml` holds what
they say, in both languages. How to write one: see the top of `smolcourse/check.py`.
The other files serve all modules: `registry.py` (who checks which id), `compare.py` (comparing
answers that may lie), `guard.py` (time limit, random state, prints), `catalogue.py` (messages),
`audit.py` (try a checker on impostors).
"""
