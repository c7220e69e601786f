"""How the tiny models in `checkpoints/` were built, scored and described."""
