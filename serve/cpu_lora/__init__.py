"""LoRA operators for vLLM on CPU, loaded by vLLM itself as a general plugin. They do nothing on any other device.

The stock CPU operators gather a whole copy of A and B for every token, and take index -1 (a token of the base model)
for the last adapter slot. These group a batch's tokens by adapter once per step, leave the base model's tokens alone,
and multiply each group by weights that were packed when the adapter was loaded. LoRA also keeps vLLM from compiling
the model, so the plugin puts vLLM's fused kernels where compilation would have fused. What a request is answered does
not depend on what shares its batch: every row's result is the same to the bit.
"""

WRAPPER = "serve.cpu_lora.wrapper.GroupedPunicaWrapper"


def register() -> None:
    """Make vLLM's CPU platform use Graft's LoRA operators. Called by vLLM in each of its processes; idempotent."""
    from vllm.platforms import current_platform

    if not current_platform.is_cpu():
        return
    type(current_platform).get_punica_wrapper = classmethod(lambda cls: WRAPPER)  # type: ignore[assignment]
    from serve.cpu_lora.fused_kernels import use_fused_kernels
    from serve.cpu_lora.lookups import find_parts_at_once
    from serve.cpu_lora.single_rows import use_doubled_rows

    use_fused_kernels()
    find_parts_at_once()
    use_doubled_rows()
