"""One exercise, one address: `dpo.loss` is `dpo/loss.py` (what is tried) and `dpo/loss.toml` (what is said).

The engine is in `core/`; what several exercises of one topic share is in their `common.py`.
The form of an exercise and why it is so: docs/architecture.md.
"""
