"""Direct preference optimisation on one process or many; the lesson is resource_strategies.md.

    accelerate launch --config_file ddp.yaml train_dpo.py --output runs/dpo

The loss of a pair does not depend on how long its answers are, so it is averaged over pairs; with
equally many pairs on each process, the mean of the processes' means is the mean. (That is why
`distributed.trainer_settings` drops a last batch that is not full.)
"""

from smolcourse.topics import distributed


def main() -> None:
    arguments = distributed.options(__doc__.splitlines()[0]).parse_args()
    course = distributed.start()
    from trl import DPOConfig, DPOTrainer

    pairs = course.dataset("preferences")
    if arguments.rows:
        pairs = pairs.select(range(min(arguments.rows, len(pairs))))
    settings = distributed.trainer_settings(course, arguments)
    recipe = course.values(**distributed.RECIPE)
    settings["learning_rate"] = arguments.learning_rate or recipe["lr"] / 10
    trainer = DPOTrainer(
        model=distributed.model(course, "instruct", arguments.qlora),
        args=DPOConfig(**settings, beta=0.1, max_length=recipe["max_length"]),
        train_dataset=pairs,
        processing_class=course.tokenizer("instruct"),
        peft_config=distributed.adapter(arguments),
    )
    distributed.run(trainer, arguments)


if __name__ == "__main__":
    main()
