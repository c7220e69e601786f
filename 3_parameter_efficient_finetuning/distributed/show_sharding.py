"""What FSDP shards, in plain PyTorch: each process prints the bytes that it holds after one step.

    SMOLCOURSE_DEVICE=cpu accelerate launch --config_file cpu2.yaml show_sharding.py

`fully_shard` is what accelerate calls for fsdp2.yaml, one decoder layer after the other; with
accelerate itself it needs GPUs. Each process trains on rows of its own.
"""

from smolcourse.topics import distributed


def main() -> None:
    course = distributed.start()
    import torch
    import torch.distributed as group
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    rank, processes = distributed.world()
    group.init_process_group("nccl" if course.device == "cuda" else "gloo")
    if course.device == "cuda":
        torch.cuda.set_device(rank)
    mesh = init_device_mesh(course.device, (processes,))

    tokenizer, model = course.tokenizer("base"), distributed.model(course, "base").train()
    questions = course.dataset("facts")["question"][: 4 * processes]
    ids = tokenizer(questions, return_tensors="pt", padding=True)["input_ids"].to(course.device)
    whole = sum(p.nbytes for p in model.parameters())
    for layer in model.model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)  # what lies outside of the layers: embeddings, last norm
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    own = ids.chunk(processes)[rank]
    loss = model(input_ids=own, labels=own).loss
    loss.backward()
    optimizer.step()

    def held(tensors) -> int:
        return sum(tensor.to_local().nbytes for tensor in tensors if hasattr(tensor, "to_local"))

    weights, states = list(model.parameters()), optimizer.state.values()
    gradients = held(p.grad for p in weights)
    moments = held(value for state in states for value in state.values())
    share = held(weights) / whole
    line = f"process {rank} of {processes}: {share:.1%} of the weights,"
    print(
        f"{line} {gradients / whole:.1%} gradients, {moments / whole:.1%} optimiser states",
        flush=True,
    )
    distributed.end()


if __name__ == "__main__":
    main()
