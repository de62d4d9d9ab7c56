"""gpt-oss in PyTorch, small and trainable: the same formulas as the published program, experts optionally through MXFP4."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

CODES = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])


def mxfp4(weight):
    """Codes u8 and scale bytes u8 of the blocks of 32 along the last axis, nearest values under a power of two a block."""
    blocks = weight.reshape(*weight.shape[:-1], -1, 32)
    peak = blocks.abs().amax(-1, keepdim=True).clamp_min(2.0**-60)
    exponent = torch.ceil(torch.log2(peak / 6.0)).clamp(-126, 127)
    scaled = blocks / torch.exp2(exponent)
    code = torch.bucketize(scaled.abs(), (CODES[1:] + CODES[:-1]) / 2)
    return (code + 8 * (scaled < 0)).to(torch.uint8), (exponent + 127).squeeze(-1).to(torch.uint8)


def from_mxfp4(codes, scales):
    value = CODES[(codes & 7).long()] * torch.where(codes >= 8, -1.0, 1.0)
    return (value * torch.exp2(scales.float() - 127).unsqueeze(-1)).flatten(-2)


class Straight(torch.autograd.Function):
    """Rounds on the way forward, passes gradients unchanged."""

    @staticmethod
    def forward(_, x, rounding):
        return rounding(x)

    @staticmethod
    def backward(_, gradient):
        return gradient, None


def to_mxfp4(x):
    return from_mxfp4(*mxfp4(x))


def to_bf16(x):
    return x.bfloat16().float()


def rope_table(config, length):
    d, base = config["head_dim"], config["rope_theta"]
    frequency = base ** (torch.arange(0, d, 2).double() / d)
    factor, context = config["rope_scaling_factor"], config["initial_context_length"]
    low, high = (d / 2 * math.log(context / (beta * 2 * math.pi)) / math.log(base) for beta in (config["rope_ntk_beta"], config["rope_ntk_alpha"]))
    ramp = ((torch.arange(d // 2) - low) / (high - low)).clamp(0, 1)
    inverse = (ramp / (factor * frequency) + (1 - ramp) / frequency).float()
    angle = torch.arange(length).float()[:, None] * inverse
    concentration = 0.1 * math.log(factor) + 1
    return angle.cos() * concentration, angle.sin() * concentration


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.scale


def attend(q, k, v, sinks, places, keys, window):
    """Attention with sinks: `q` `[b, heads, t, d]`, keys and values `[b, heads, s, d]`, positions `[b, t]` and `[b, s]`."""
    age = places[:, None, :, None] - keys[:, None, None, :]
    scores = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).masked_fill((age < 0) | (age >= window), -1e30)
    sinks = sinks[None, :, None, None].expand(*scores.shape[:3], 1)
    return torch.softmax(torch.cat((scores, sinks), -1), -1)[..., :-1] @ v


@dataclass
class Batch:
    """One prefix and branches that follow it, which do not see each other: the prefix' tokens, then the branches', padded."""

    ids: torch.Tensor
    positions: torch.Tensor
    #: -1 where nothing is to be learnt
    targets: torch.Tensor
    #: places that are no padding
    valid: torch.Tensor
    prefix: int
    branches: int
    length: int
    window: int


class Layer(nn.Module):
    def __init__(self, config, index):
        super().__init__()
        h, d, f, e = config["hidden_size"], config["head_dim"], config["intermediate_size"], config["num_experts"]
        self.q, self.kv, self.d, self.top = config["num_attention_heads"], config["num_key_value_heads"], d, config["experts_per_token"]
        self.limit, self.slides = config["swiglu_limit"], index % 2 == 0
        random = lambda *shape: nn.Parameter(torch.randn(*shape) * shape[-1] ** -0.5)  # noqa: E731
        self.attention_norm, self.moe_norm = RmsNorm(h), RmsNorm(h)
        self.qkv, self.qkv_bias = random((self.q + 2 * self.kv) * d, h), nn.Parameter(torch.zeros((self.q + 2 * self.kv) * d))
        self.out, self.out_bias = random(h, self.q * d), nn.Parameter(torch.zeros(h))
        self.sinks = nn.Parameter(torch.zeros(self.q))
        self.gate, self.gate_bias = random(e, h), nn.Parameter(torch.zeros(e))
        self.mlp1, self.mlp1_bias = random(e, 2 * f, h), nn.Parameter(torch.zeros(e, 2 * f))
        self.mlp2, self.mlp2_bias = random(e, h, f), nn.Parameter(torch.zeros(e, h))

    def forward(self, x, batch, cos, sin, rounded):
        """`x` `[tokens, h]`: the prefix, then every branch padded to one length."""
        dense = (lambda w: Straight.apply(w, to_bf16)) if rounded else (lambda w: w)
        packed = (lambda w: Straight.apply(w, to_mxfp4)) if rounded else (lambda w: w)
        p, branches, length = batch.prefix, batch.branches, batch.length
        qkv = F.linear(self.attention_norm(x), dense(self.qkv), dense(self.qkv_bias)).view(len(x), -1, self.d)
        q, k, v = qkv.split((self.q, self.kv, self.kv), 1)
        q, k = rotate(q, cos[:, None], sin[:, None]), rotate(k, cos[:, None], sin[:, None])
        repeat = self.q // self.kv
        k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
        by_branch = lambda y: y[p:].view(branches, length, self.q, self.d).transpose(1, 2)  # noqa: E731
        shared = lambda y: y[:p].transpose(0, 1)[None]  # noqa: E731
        joined = lambda y: torch.cat((shared(y).expand(branches, -1, -1, -1), by_branch(y)), 2)  # noqa: E731
        window = batch.window if self.slides else 10**9
        sinks = dense(self.sinks)
        own = attend(shared(q), shared(k), shared(v), sinks, batch.positions[None, :p], batch.positions[None, :p], window)
        places = batch.positions[p:].view(branches, length)
        keys = torch.cat((batch.positions[None, :p].expand(branches, -1), places), 1)
        theirs = attend(by_branch(q), joined(k), joined(v), sinks, places, keys, window)
        heads = torch.cat((own.transpose(1, 2).reshape(p, -1), theirs.transpose(1, 2).reshape(branches * length, -1)))
        x = x + F.linear(heads, dense(self.out), dense(self.out_bias))

        n = self.moe_norm(x[batch.valid])
        logits = F.linear(n, dense(self.gate), dense(self.gate_bias))
        best, chosen = logits.topk(self.top, -1)
        share = best.softmax(-1)
        mlp1, mlp2, bias1, bias2 = packed(self.mlp1), packed(self.mlp2), dense(self.mlp1_bias), dense(self.mlp2_bias)
        answer = torch.zeros_like(n)
        for e in range(mlp1.shape[0]):
            row, place = (chosen == e).nonzero(as_tuple=True)
            hidden = F.linear(n[row], mlp1[e], bias1[e])
            gate, up = hidden[:, 0::2].clamp(max=self.limit), hidden[:, 1::2].clamp(-self.limit, self.limit)
            inner = gate * torch.sigmoid(1.702 * gate) * (up + 1)
            answer = answer.index_add(0, row, F.linear(inner, mlp2[e], bias2[e]) * share[row, place, None])
        # The usual load balance: share of rows times share of probability, smallest when even.
        load = F.one_hot(chosen, mlp1.shape[0]).float().sum(1).mean(0)
        balance = (load * logits.softmax(-1).mean(0)).sum() * mlp1.shape[0] / self.top
        return x.index_add(0, batch.valid, answer), balance


class Model(nn.Module):
    """Token ids are those of the used part of the vocabulary; id 0 stands for every other token, whose rows are zero."""

    def __init__(self, config, used):
        super().__init__()
        self.config, self.used = config, used
        h = config["hidden_size"]
        self.embedding = nn.Parameter(torch.randn(used, h) * 0.5)
        self.unembedding = nn.Parameter(torch.randn(used, h) * h**-0.5)
        self.layers = nn.ModuleList(Layer(config, index) for index in range(config["num_hidden_layers"]))
        self.norm = RmsNorm(h)

    def forward(self, batch, rounded=False):
        """The normalised stream `[tokens, h]`, and the experts' balance."""
        dense = (lambda w: Straight.apply(w, to_bf16)) if rounded else (lambda w: w)
        cos, sin = rope_table(self.config, int(batch.positions.max()) + 1)
        cos, sin = cos[batch.positions], sin[batch.positions]
        x = dense(self.embedding)[batch.ids] * (batch.ids > 0)[..., None]
        balance = 0.0
        for layer in self.layers:
            x, own = layer(x, batch, cos, sin, rounded)
            balance = balance + own
        return self.norm(x), balance

    def logits(self, stream, rounded=False):
        """Logits of the used tokens; all others have 0, and stand together in column 0 as the logarithm of their number."""
        dense = to_bf16 if rounded else (lambda w: w)
        logits = F.linear(stream, Straight.apply(self.unembedding, dense) if rounded else self.unembedding)
        others = torch.full_like(logits[..., :1], math.log(self.config["vocab_size"] - self.used))
        return torch.cat((others, logits[..., 1:]), -1)
