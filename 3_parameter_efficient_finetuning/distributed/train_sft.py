"""Supervised fine-tuning on one process or many; the lesson is resource_strategies.md.

    accelerate launch --config_file ddp.yaml train_sft.py --output runs/sft

The loss of an update is the mean over all answer tokens of the *global* batch: the trainer counts
them over all processes and passes (`average_tokens_across_devices`, on by default), because a mean
of the processes' means would weigh a token by the company that it happens to be in.
"""

from smolcourse.topics import distributed


def main() -> None:
    arguments = distributed.options(__doc__.splitlines()[0]).parse_args()
    course = distributed.start()
    from trl import SFTConfig, SFTTrainer

    facts = course.dataset("facts")
    if arguments.rows:
        facts = facts.select(range(min(arguments.rows, len(facts))))
    trainer = SFTTrainer(
        model=distributed.model(course, "base", arguments.qlora),
        args=SFTConfig(
            **distributed.trainer_settings(course, arguments),
            assistant_only_loss=True,
            eos_token="<|im_end|>",
            max_length=course.values(**distributed.RECIPE)["max_length"],
        ),
        train_dataset=facts.select_columns("messages"),
        processing_class=course.tokenizer("base"),
        peft_config=distributed.adapter(arguments),
    )
    distributed.run(trainer, arguments)


if __name__ == "__main__":
    main()
