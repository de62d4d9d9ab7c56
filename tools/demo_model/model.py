"""The gpt-oss architecture at demo size, in PyTorch: forward, MXFP4 rounding, the published `original/` layout.

Knows tensors; knows nothing of text. Only the token ids that training uses have rows here ("used" rows); all other rows of the
vocabulary are zeros in the file, which makes an unknown word a zero vector and an unused token's logit 0.
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn


@dataclass(frozen=True)
class Config:
    """Keys of the published `config.json`."""

    num_hidden_layers: int = 4
    num_experts: int = 8
    experts_per_token: int = 2
    vocab_size: int = 201088
    hidden_size: int = 160
    intermediate_size: int = 96
    swiglu_limit: float = 7.0
    head_dim: int = 32
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    sliding_window: int = 48
    initial_context_length: int = 4096
    rope_theta: float = 150000.0
    rope_scaling_factor: float = 32.0
    rope_ntk_alpha: float = 1.0
    rope_ntk_beta: float = 32.0


EPSILON = 1e-5
ALPHA = 1.702
FP4 = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])
FP4_MIDPOINTS = (FP4[1:] + FP4[:-1]) / 2


# --- number formats -----------------------------------------------------------------------------------------------------------------


def mxfp4_encode(weight):
    """blocks U8 [.., in/32, 16] and scales U8 [.., in/32]: the smallest scale at which no value of a block is clipped."""
    w = weight.detach().reshape(*weight.shape[:-1], -1, 32)
    peak = w.abs().amax(-1).clamp_min(2.0**-100)
    exponent = torch.ceil(torch.log2(peak / 6.0))
    scaled = w * torch.exp2(-exponent)[..., None]
    code = torch.bucketize(scaled.abs(), FP4_MIDPOINTS).to(torch.uint8) | (torch.signbit(scaled).to(torch.uint8) << 3)
    return code[..., 0::2] | (code[..., 1::2] << 4), (exponent + 127).to(torch.uint8)


def mxfp4_decode(blocks, scales):
    """float32 [.., in]"""
    table = torch.cat([FP4, -FP4])
    code = torch.stack([blocks & 15, blocks >> 4], -1).flatten(-2)
    return (table[code.long()] * torch.exp2(scales.float() - 127)[..., None]).flatten(-2)


class Rounding:
    """How weights are seen in the forward pass. Gradients pass straight through."""

    def __init__(self):
        self.on = False

    def mxfp4(self, w):
        return w + (mxfp4_decode(*mxfp4_encode(w)) - w).detach() if self.on else w

    def bf16(self, w):
        return w + (w.bfloat16().float() - w).detach() if self.on else w


# --- the model ----------------------------------------------------------------------------------------------------------------------


def rms_norm(x, scale):
    x32 = x.float()
    return (x32 * torch.rsqrt(x32.square().mean(-1, keepdim=True) + EPSILON) * scale.float()).to(x.dtype)


def rope_tables(config, n_positions):
    """cos and sin [position, head_dim / 2], YaRN without truncation, multiplied by the concentration."""
    half = config.head_dim // 2
    freq = config.rope_theta ** (torch.arange(half, dtype=torch.float) / half)
    concentration = 0.1 * math.log(config.rope_scaling_factor) + 1.0
    border = [
        half * math.log(config.initial_context_length / (turns * 2 * math.pi)) / math.log(config.rope_theta)
        for turns in (config.rope_ntk_beta, config.rope_ntk_alpha)
    ]
    assert 0 < border[0] < border[1] < half - 1
    mask = 1 - ((torch.arange(half, dtype=torch.float) - border[0]) / (border[1] - border[0])).clamp(0, 1)
    angle = torch.arange(n_positions, dtype=torch.float)[:, None] * ((1 - mask) / (config.rope_scaling_factor * freq) + mask / freq)
    return angle.cos() * concentration, angle.sin() * concentration


def rotate(x, cos, sin):
    """x [token, .., head_dim]; element i pairs with i + head_dim / 2"""
    cos, sin = (t.to(x.dtype).reshape(t.shape[0], *[1] * (x.dim() - 2), t.shape[1]) for t in (cos, sin))
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


@dataclass
class Group:
    """One beginning and the continuations that share it, packed: rows `start ..` hold the beginning, then each continuation."""

    start: int
    n_beginning: int
    rows: torch.Tensor  # [continuation, step]: row of each token; padding points at row `start`
    valid: torch.Tensor  # [continuation, step]


@dataclass
class Packed:
    ids: torch.Tensor  # [token]: used-row numbers, n_used where the word is unknown
    positions: torch.Tensor  # [token]
    groups: list
    place: torch.Tensor  # [token]: where the token's attention output stands among the outputs of all groups


class Block(nn.Module):
    def __init__(self, c, layer):
        super().__init__()
        h, d, nq, nk, e, i = c.hidden_size, c.head_dim, c.num_attention_heads, c.num_key_value_heads, c.num_experts, c.intermediate_size
        self.config, self.window = c, c.sliding_window if layer % 2 == 0 else None

        def normal(*shape, fan_in, gain=1.0):
            return nn.Parameter(torch.randn(*shape) * gain / math.sqrt(fan_in))

        self.attn_norm = nn.Parameter(torch.ones(h))
        self.qkv = normal((nq + 2 * nk) * d, h, fan_in=h)
        self.qkv_bias = nn.Parameter(torch.zeros((nq + 2 * nk) * d))
        self.sinks = nn.Parameter(torch.zeros(nq))
        self.out = normal(h, nq * d, fan_in=nq * d, gain=0.5)
        self.out_bias = nn.Parameter(torch.zeros(h))
        self.mlp_norm = nn.Parameter(torch.ones(h))
        self.gate = normal(e, h, fan_in=h)
        self.gate_bias = nn.Parameter(torch.zeros(e))
        self.mlp1 = normal(e, 2 * i, h, fan_in=h)
        self.mlp1_bias = nn.Parameter(torch.zeros(e, 2 * i))
        self.mlp2 = normal(e, h, i, fan_in=i, gain=0.5)
        self.mlp2_bias = nn.Parameter(torch.zeros(e, h))

    def attention(self, x, batch, cos, sin, r):
        c = self.config
        nq, nk, d = c.num_attention_heads, c.num_key_value_heads, c.head_dim
        m = nq // nk
        t = F.linear(rms_norm(x, r.bf16(self.attn_norm)), r.bf16(self.qkv), r.bf16(self.qkv_bias))
        q, k, v = t.split([nq * d, nk * d, nk * d], -1)
        q = rotate(q.reshape(-1, nk, m, d), cos, sin) * d**-0.5
        k, v = rotate(k.reshape(-1, nk, d), cos, sin), v.reshape(-1, nk, d)
        sinks = r.bf16(self.sinks).reshape(nk, m)
        reach = self.window or 10**9
        outs = []
        for g in batch.groups:
            n = g.n_beginning
            head = slice(g.start, g.start + n)
            if n:
                i = torch.arange(n)
                seen = (i[None] <= i[:, None]) & (i[None] > i[:, None] - reach)
                s = torch.einsum("tgmd,sgd->gmts", q[head], k[head]).masked_fill(~seen, -torch.inf)
                s = torch.cat([s, sinks[:, :, None, None].expand(-1, -1, n, 1)], -1)
                w = torch.softmax(s, -1)[..., :-1]
                outs.append(torch.einsum("gmts,sgd->tgmd", w, v[head]).reshape(n, nq * d))
            b, steps = g.rows.shape
            first = max(0, n - reach + 1)  # what a sliding layer can still see of the beginning
            near = slice(g.start + first, g.start + n)
            qs, ks, vs = q[g.rows], k[g.rows], v[g.rows]
            i = torch.arange(steps)
            j = torch.arange(first, n)
            seen_near = j[None] > (i[:, None] + n) - reach
            seen_own = (i[None] <= i[:, None]) & (i[None] > i[:, None] - reach)
            s_near = torch.einsum("btgmd,sgd->bgmts", qs, k[near])
            if self.window:
                s_near = s_near.masked_fill(~seen_near, -torch.inf)
            s_own = torch.einsum("btgmd,bsgd->bgmts", qs, ks).masked_fill(~seen_own, -torch.inf)
            s = torch.cat([s_near, s_own, sinks[:, :, None, None].expand(b, -1, -1, steps, 1)], -1)
            w = torch.softmax(s, -1)
            o = torch.einsum("bgmts,sgd->btgmd", w[..., : n - first], v[near])
            o = o + torch.einsum("bgmts,bsgd->btgmd", w[..., n - first : -1], vs)
            outs.append(o.reshape(b * steps, nq * d))
        o = torch.cat(outs)[batch.place]
        return F.linear(o, r.bf16(self.out), r.bf16(self.out_bias))

    def moe(self, x, r):
        """The mixture's output and how unevenly the experts are used (1 is even)."""
        c = self.config
        n_chosen = c.experts_per_token
        t = rms_norm(x, r.bf16(self.mlp_norm))
        logits = F.linear(t, r.bf16(self.gate), r.bf16(self.gate_bias))
        top, chosen = logits.topk(n_chosen, -1)
        p = torch.softmax(top, -1)
        flat = chosen.flatten()
        order = flat.argsort(stable=True)
        counts = torch.bincount(flat, minlength=c.num_experts)
        mlp1, mlp2 = r.mxfp4(self.mlp1).to(x.dtype).unbind(0), r.mxfp4(self.mlp2).to(x.dtype).unbind(0)
        bias1, bias2 = r.bf16(self.mlp1_bias).unbind(0), r.bf16(self.mlp2_bias).unbind(0)
        ys = []
        for e, rows in enumerate(t[order // n_chosen].split(counts.tolist())):
            a, b = F.linear(rows, mlp1[e], bias1[e]).unflatten(-1, (-1, 2)).unbind(-1)
            a, b = a.clamp(max=c.swiglu_limit), b.clamp(-c.swiglu_limit, c.swiglu_limit)
            ys.append(F.linear(a * torch.sigmoid(ALPHA * a) * (b + 1), mlp2[e], bias2[e]))
        y = torch.cat(ys)[order.argsort()].reshape(*chosen.shape, -1)
        share = counts / flat.numel()
        uneven = c.num_experts * (share * torch.softmax(logits.float(), -1).mean(0)).sum()
        return (p[..., None] * y).sum(1), uneven


class Model(nn.Module):
    """`heard` are the token ids with an embedding row, `said` those with an unembedding row; both sorted."""

    def __init__(self, config, heard, said):
        super().__init__()
        self.config = config
        self.heard, self.said = torch.tensor(heard), torch.tensor(said)
        self.used_row = torch.full((config.vocab_size,), len(heard))
        self.used_row[self.heard] = torch.arange(len(heard))
        self.said_row = torch.full((config.vocab_size,), len(said))
        self.said_row[self.said] = torch.arange(len(said))
        self.embedding = nn.Parameter(torch.randn(len(heard), config.hidden_size) * 0.5)
        self.blocks = nn.ModuleList(Block(config, n) for n in range(config.num_hidden_layers))
        self.norm = nn.Parameter(torch.ones(config.hidden_size))
        self.unembedding = nn.Parameter(torch.randn(len(said), config.hidden_size) * 0.02)
        self.rounding = Rounding()
        self.cos, self.sin = rope_tables(config, 8192)

    def forward(self, batch, wanted):
        """Logits [wanted, said + 1] (the last column is the 0 of every unused token) and the mean unevenness of the experts."""
        r = self.rounding
        table = r.bf16(self.embedding)
        table = torch.cat([table, table.new_zeros(1, table.shape[1])])
        x = F.embedding(batch.ids, table)
        cos, sin = self.cos[batch.positions], self.sin[batch.positions]
        uneven = 0.0
        for block in self.blocks:
            x = x + block.attention(x, batch, cos, sin, r)
            y, u = block.moe(x, r)
            x, uneven = x + y, uneven + u / len(self.blocks)
        logits = F.linear(rms_norm(x[wanted], r.bf16(self.norm)), r.bf16(self.unembedding))
        return torch.cat([logits, logits.new_zeros(logits.shape[0], 1)], -1), uneven

    def pack(self, groups):
        """`groups` as drawn by `facts.Sampler`. Returns the batch, the rows whose next token is to be learned, those tokens' `said` rows
        and the continuation each belongs to (numbered across groups)."""
        ids, positions, place, wanted, target, member = [], [], [], [], [], []
        made, n_out, n_member = [], 0, 0
        for beginning, members in groups:
            start, n = len(ids), len(beginning)
            ids += beginning
            positions += range(n)
            place += range(n_out, n_out + n)
            n_out += n
            steps = max(len(q) + len(a) for q, a, _ in members) - 1
            rows = torch.full((len(members), steps), start)
            valid = torch.zeros(len(members), steps, dtype=torch.bool)
            for b, (question, answer, _) in enumerate(members):
                length = len(question) + len(answer) - 1
                at = len(ids)
                ids += (question + answer)[:-1]
                positions += range(n, n + length)
                place += range(n_out + b * steps, n_out + b * steps + length)
                rows[b, :length] = torch.arange(at, at + length)
                valid[b, :length] = True
                wanted += range(at + len(question) - 1, at + length)
                target += answer
                member += [n_member] * len(answer)
                n_member += 1
            n_out += len(members) * steps
            made.append(Group(start, n, rows, valid))
        batch = Packed(self.used_row[torch.tensor(ids)], torch.tensor(positions), made, torch.tensor(place))
        return batch, torch.tensor(wanted), self.said_row[torch.tensor(target)], torch.tensor(member)

    # --- the published layout ---

    def tensors(self):
        """name -> tensor, as `model.safetensors` holds them"""

        def whole(rows, ids):
            full = torch.zeros(self.config.vocab_size, self.config.hidden_size, dtype=torch.bfloat16)
            full[ids] = rows.detach().bfloat16()
            return full

        out = {"embedding.weight": whole(self.embedding, self.heard), "unembedding.weight": whole(self.unembedding, self.said)}
        out["norm.scale"] = self.norm.detach().bfloat16()
        for n, b in enumerate(self.blocks):
            for name, parameter in NAMES.items():
                out[f"block.{n}.{name}"] = getattr(b, parameter).detach().bfloat16()
            for name in ("mlp1", "mlp2"):
                blocks, scales = mxfp4_encode(getattr(b, name))
                out[f"block.{n}.mlp.{name}_weight.blocks"], out[f"block.{n}.mlp.{name}_weight.scales"] = blocks, scales
        return {k: v.contiguous() for k, v in out.items()}

    def save(self, folder):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(asdict(self.config), indent=2) + "\n")
        save_file(self.tensors(), folder / "model.safetensors")

    @classmethod
    @torch.no_grad()
    def load(cls, folder, dtype=torch.float32):
        """The model that a folder in the published layout holds, seen only through its files."""
        config = Config(**json.loads((Path(folder) / "config.json").read_text()))
        file = load_file(Path(folder) / "model.safetensors")
        used = {k: file[k].any(-1).nonzero().flatten().tolist() for k in ("embedding.weight", "unembedding.weight")}
        model = cls(config, used["embedding.weight"], used["unembedding.weight"])
        model.embedding.data = file["embedding.weight"][model.heard]
        model.unembedding.data = file["unembedding.weight"][model.said]
        model.norm.data = file["norm.scale"]
        for n, b in enumerate(model.blocks):
            for name, parameter in NAMES.items():
                getattr(b, parameter).data = file[f"block.{n}.{name}"]
            for name in ("mlp1", "mlp2"):
                key = f"block.{n}.mlp.{name}_weight"
                getattr(b, name).data = mxfp4_decode(file[f"{key}.blocks"], file[f"{key}.scales"])
        return model.to(dtype).eval()


NAMES = {
    "attn.norm.scale": "attn_norm", "attn.qkv.weight": "qkv", "attn.qkv.bias": "qkv_bias", "attn.sinks": "sinks",
    "attn.out.weight": "out", "attn.out.bias": "out_bias", "mlp.norm.scale": "mlp_norm", "mlp.gate.weight": "gate",
    "mlp.gate.bias": "gate_bias", "mlp.mlp1_bias": "mlp1_bias", "mlp.mlp2_bias": "mlp2_bias",
}  # fmt: skip
