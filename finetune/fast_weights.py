"""The weights of a LoRA model laid out for fast training, and the check whether a model can be trained that way.

Modules that read the same input (q, k and v; gate and up) become one matrix, and every matrix gets a border that
holds its adapter:

        columns    K (inputs)   R (ranks)
        rows  N [  W            s B      ]     y  = x W' + s (x A') B'   is one product:  [x | x A'] [W | s B]'
              R [  A            0        ]     dx = dy W + s (dy B) A    is one product:  [dy | s dy B] [W ; A]

W, in the model's dtype, is never rounded again, so small updates are not lost as they would be by merging.
Knows PEFT and the Llama family of decoders; knows nothing of sequences or passes.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from core.processor import multiplies_bfloat16

# Decoder layers whose computation is exactly that of fast_pass.py (Qwen2's biases included).
_LAYERS = {"LlamaDecoderLayer", "MistralDecoderLayer", "Qwen2DecoderLayer"}
_MODELS = {"LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM"}


class Unfit(Exception):  # noqa: N818  an answer rather than an error
    """This model cannot be trained by the fast pass; the message says why. Never reaches a user: TRL's path runs."""


class Part:
    """One linear module inside a packed matrix: its rows of outputs, and its rows of ranks (none without adapter)."""

    def __init__(self, module: nn.Module, outputs: slice, first_rank: int) -> None:
        self.base, self.lora_a, self.lora_b, self.scaling = _read_module(module)
        rank = 0 if self.lora_a is None else self.lora_a.shape[0]
        self.outputs, self.ranks = outputs, slice(first_rank, first_rank + rank)


class BorderedLinear:
    """Linear modules with one input as one matrix with a border; see the module docstring for the layout.

    `matrix` is [N + R, K + R], and `bias` [N] or None, once `copy_base` has filled them.
    """

    matrix: Tensor
    bias: Tensor | None = None

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        self.parts: list[Part] = []
        outputs = ranks = 0
        for module in modules:
            size = int(module.out_features)  # pyright: ignore[reportArgumentType]
            part = Part(module, slice(outputs, outputs + size), ranks)
            outputs, ranks = part.outputs.stop, part.ranks.stop
            self.parts.append(part)
        self.inputs = int(self.parts[0].base.in_features)
        self.outputs, self.ranks = outputs, ranks

    def copy_base(self, dtype: torch.dtype) -> None:
        """Copy the frozen weights into the matrix."""
        self.matrix = torch.zeros(self.outputs + self.ranks, self.inputs + self.ranks, dtype=dtype)
        if any(part.base.bias is not None for part in self.parts):
            self.bias = self.matrix.new_zeros(self.outputs)
        for part in self.parts:
            self.matrix[part.outputs, : self.inputs] = part.base.weight.detach()
            if self.bias is not None and part.base.bias is not None:
                self.bias[part.outputs] = part.base.bias.detach()

    def refresh(self) -> None:
        """Copy the adapter's present values into the border."""
        for part in self.parts:
            if part.lora_a is None or part.lora_b is None:
                continue
            rows = slice(self.outputs + part.ranks.start, self.outputs + part.ranks.stop)
            columns = slice(self.inputs + part.ranks.start, self.inputs + part.ranks.stop)
            self.matrix[rows, : self.inputs] = part.lora_a.detach()
            self.matrix[part.outputs, columns] = part.lora_b.detach() * part.scaling

    def parameters(self) -> list[nn.Parameter]:
        """A and B of every adapted part."""
        return [p for part in self.parts for p in (part.lora_a, part.lora_b) if p is not None]

    def gradients(self, grad_a: Tensor, grad_b: Tensor) -> list[Tensor]:
        """Gradients in the order of `parameters`, from those of all A rows [R, K] and all s B columns [N, R]."""
        found = []
        for part in self.parts:
            if part.lora_a is not None:
                found += [grad_a[part.ranks], grad_b[part.outputs, part.ranks] * part.scaling]
        return found


class LayerWeights:
    """One decoder layer."""

    def __init__(self, layer: Any) -> None:
        if type(layer).__name__ not in _LAYERS:
            raise Unfit(f"decoder layer {type(layer).__name__}")
        attention, mlp = layer.self_attn, layer.mlp
        if getattr(attention, "sliding_window", None) is not None:
            raise Unfit("sliding window attention")
        if attention.attention_dropout:
            raise Unfit("attention dropout")
        if type(mlp.act_fn).__name__ not in ("SiLUActivation", "SiLU"):
            raise Unfit(f"activation {type(mlp.act_fn).__name__}")
        self.qkv = BorderedLinear([attention.q_proj, attention.k_proj, attention.v_proj])
        self.o = BorderedLinear([attention.o_proj])
        self.gate_up = BorderedLinear([mlp.gate_proj, mlp.up_proj])
        self.down = BorderedLinear([mlp.down_proj])
        self.norm_in, self.norm_mid = Norm(layer.input_layernorm), Norm(layer.post_attention_layernorm)
        self.head_size = int(attention.head_dim)
        self.scale = float(attention.scaling)

    @property
    def linears(self) -> tuple[BorderedLinear, ...]:
        """All matrices of the layer."""
        return self.qkv, self.o, self.gate_up, self.down


class Norm:
    """A frozen root-mean-square norm: its weight in full precision, and epsilon."""

    def __init__(self, module: Any) -> None:
        if not hasattr(module, "variance_epsilon"):
            raise Unfit(f"norm {type(module).__name__}")
        weight = module.weight.detach()
        self.weight = weight if weight.dtype == torch.float64 else weight.float()
        self.eps = float(module.variance_epsilon)


class ModelWeights:
    """A whole causal language model with LoRA adapters. Raises Unfit where any part of it is not understood.

    `dtype` is what is computed in; the model's own, unless this processor has no fast way with that.
    """

    def __init__(self, model: nn.Module) -> None:
        base: Any = model.get_base_model() if hasattr(model, "get_base_model") else model  # pyright: ignore[reportCallIssue]
        if type(base).__name__ not in _MODELS:
            raise Unfit(f"model {type(base).__name__}")
        _check_parameters(model)
        decoder, config = base.model, base.config
        self.dtype = _fast_dtype(decoder.embed_tokens.weight.dtype)
        self.embedding = decoder.embed_tokens.weight.detach().to(self.dtype)
        if base.lm_head.bias is not None:
            raise Unfit("lm_head with a bias")
        self.head = base.lm_head.weight.detach().to(self.dtype)
        self.layers = [LayerWeights(layer) for layer in decoder.layers]
        self.norm = Norm(decoder.norm)
        self.rotary = decoder.rotary_emb
        if type(base).__name__ == "MistralForCausalLM" and config.sliding_window is not None:
            raise Unfit("sliding window attention")
        if getattr(self.rotary, "rope_type", "default") in ("dynamic", "longrope"):
            raise Unfit("rotary embedding that depends on the length")
        self.heads, self.key_heads = config.num_attention_heads, config.num_key_value_heads
        self.parameters = [p for linear in self.linears() for p in linear.parameters()]
        trainable = {id(p) for p in model.parameters() if p.requires_grad}
        if not trainable or trainable != {id(p) for p in self.parameters}:
            raise Unfit("trainable parameters outside the LoRA matrices")

    def linears(self) -> Iterable[BorderedLinear]:
        """Every matrix, in a fixed order."""
        for layer in self.layers:
            yield from layer.linears

    def copy_base(self) -> None:
        """Copy the frozen weights; until then a model is only understood."""
        for linear in self.linears():
            linear.copy_base(self.dtype)

    def refresh(self) -> None:
        """Take over the adapter's present values."""
        for linear in self.linears():
            linear.refresh()

    def angles(self, length: int) -> tuple[Tensor, Tensor]:
        """Cosine and sine [length, head size / 2] of the rotary angles, rounded as the model itself rounds them."""
        positions = torch.arange(length)[None]
        cos, sin = self.rotary(torch.empty(0, dtype=self.dtype), positions)
        exact = torch.float64 if self.dtype == torch.float64 else torch.float32
        half = self.layers[0].head_size // 2
        if cos.shape[-1] != 2 * half:
            raise Unfit("rotary embedding of part of a head")
        return cos[0, :, :half].to(exact).contiguous(), sin[0, :, :half].to(exact).contiguous()


def _fast_dtype(dtype: torch.dtype) -> torch.dtype:
    """bfloat16 is quick only where the processor multiplies it; others emulate it."""
    return torch.float32 if dtype == torch.bfloat16 and not multiplies_bfloat16() else dtype


def _check_parameters(model: nn.Module) -> None:
    floats = {torch.bfloat16, torch.float32, torch.float64}
    for name, parameter in model.named_parameters():
        if parameter.device.type != "cpu":
            raise Unfit(f"{name} is on {parameter.device.type}")
        if parameter.dtype not in floats:
            raise Unfit(f"{name} is {parameter.dtype}")


def _read_module(module: nn.Module) -> tuple[nn.Linear, nn.Parameter | None, nn.Parameter | None, float]:
    """Base layer, A, B and scaling of a linear module; A and B are None where PEFT has not adapted it."""
    if type(module) is nn.Linear:
        return module, None, None, 0.0
    from peft.tuners.lora.layer import Linear as LoraLinear

    if type(module) is not LoraLinear or type(module.base_layer) is not nn.Linear:
        raise Unfit(f"module {type(module).__name__}")
    if module.merged or module.disable_adapters or len(module.active_adapters) != 1:
        raise Unfit("merged, disabled or several adapters")
    name = module.active_adapters[0]
    if name not in module.lora_A:
        return module.base_layer, None, None, 0.0
    if name in module.lora_variant or module.fan_in_fan_out:
        raise Unfit("a variant of LoRA")
    if not isinstance(module.lora_dropout[name], nn.Identity):
        raise Unfit("LoRA dropout")
    a, b = module.lora_A[name], module.lora_B[name]
    if type(a) is not nn.Linear or type(b) is not nn.Linear or b.bias is not None:
        raise Unfit("LoRA with a bias")
    return module.base_layer, a.weight, b.weight, float(module.scaling[name])  # pyright: ignore[reportReturnType]
