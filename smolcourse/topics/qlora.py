"""QLoRA with bitsandbytes: a base model in 4 bits and LoRA on top, fast on an NVIDIA GPU.

`load(source)` gives the base model with its linear layers in 4-bit NormalFloat, ready for
`SFTTrainer(peft_config=lora_config())`. It runs on a CPU too, slowly: so it can be tried, and is
tested, without a GPU. bitsandbytes is an extra of the course (`uv sync --extra qlora`). What the
4 bits are, in plain PyTorch: `smolcourse.topics.nf4`.

Sources: Dettmers et al. 2023, arXiv:2305.14314; transformers' BitsAndBytesConfig.
Introduced in lesson 3_parameter_efficient_finetuning/resource_strategies.
"""

from __future__ import annotations

import importlib.util
import os

from smolcourse.errors import CourseError

RANK = 16


def obstacle() -> str | None:
    """One sentence on what this machine lacks for bitsandbytes' 4-bit training, else None."""
    if importlib.util.find_spec("bitsandbytes") is None:
        return "QLoRA needs bitsandbytes, which is not installed; run `uv sync --extra qlora`."
    return None


def require() -> None:
    """Raise `CourseError` with the sentence of `obstacle`, if there is one."""
    if (sentence := obstacle()) is not None:
        raise CourseError(sentence)


def device_and_dtype():
    """Where this process computes, and in what: its own GPU in 16 bits, else the CPU in float32."""
    import torch

    if not torch.cuda.is_available():
        return "cpu", torch.float32
    bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
    return int(os.environ.get("LOCAL_RANK", 0)), torch.bfloat16 if bf16 else torch.float16


def quantization_config(dtype=None):
    """transformers' config for the paper's recipe: NF4 and double quantisation.

    `dtype`: the torch dtype of the arithmetic, `device_and_dtype`'s if None. Can be built on any
    machine.
    """
    from transformers import BitsAndBytesConfig

    dtype = dtype or device_and_dtype()[1]
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        # FSDP shards only tensors of one floating type: the codes are stored in this one.
        bnb_4bit_quant_storage=dtype,
    )


def lora_config(rank: int = RANK):
    """LoRA on every linear layer of the blocks, as the QLoRA paper found necessary.

    `rank`: at least 1, else `CourseError`. alpha is 2 x rank.
    """
    if not isinstance(rank, int) or isinstance(rank, bool) or rank < 1:
        raise CourseError(
            "The rank of LoRA must be a whole number from 1 on, not {rank!r}.", rank=rank
        )
    from peft import LoraConfig

    return LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def load(source):
    """The base model in 4 bits on this process's GPU (or the CPU), prepared for training.

    `source`: what `smolcourse.models.resolve` takes. Raises `CourseError` without bitsandbytes,
    or for a model that is not there. The layer norms are widened to float32 and gradient
    checkpointing is on (`peft.prepare_model_for_kbit_training`).
    """
    require()
    from peft import prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM

    from smolcourse import models

    device, dtype = device_and_dtype()
    model = models.load_with(
        AutoModelForCausalLM.from_pretrained,
        source,
        quantization_config=quantization_config(dtype),
        device_map={"": device},
        dtype=dtype,
    )
    return prepare_model_for_kbit_training(
        model, gradient_checkpointing_kwargs={"use_reentrant": False}
    )
