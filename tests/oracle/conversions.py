"""What conversions of weights must give, by numpy and ml_dtypes: inputs and expected bytes, as plain files in a folder.

`tests/conversions.rs` runs it, writes checkpoints of the inputs, and compares what precast makes of them. Nothing in here knows precast:
the element types and their rounding are ml_dtypes', the rule of a row's scale is computed in f64 and, where a quotient might round twice,
in fractions.
"""

import sys
from fractions import Fraction
from pathlib import Path

import ml_dtypes
import numpy as np

OUT = Path(sys.argv[1])
# Sizes of the model in tests/conversions.rs.
HIDDEN, VOCABULARY, EXPERTS, EXPERT_WIDTH = 64, 2304, 4, 128

random = np.random.default_rng(3)
bf16, e4m3 = ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn
NORMAL = 2.0**-126


def save(name, array):
    (OUT / name).write_bytes(np.ascontiguousarray(array).tobytes())


def fp8_scales(rows):
    """The smallest power of two, 2^-126 at least, with which no magnitude of a row exceeds 448; 1 for a row of zeros."""
    largest = np.abs(rows).max(axis=1, keepdims=True)
    candidates = 2.0 ** np.arange(-126, 128)
    first = np.argmax(largest / candidates <= 448.0, axis=1)
    return np.where(largest[:, 0] == 0, 1.0, candidates[first])


def fp8_codes(rows, scales):
    quotients = rows / scales[:, None]  # exact in f64
    codes = quotients.astype(e4m3)
    # The cast from f64 rounds once: where f32 has the quotient exactly, the cast from there agrees.
    narrow = quotients.astype(np.float32)
    exact = narrow == quotients
    assert (narrow.astype(e4m3).view(np.uint8) == codes.view(np.uint8))[exact].all()
    assert np.isfinite(codes.astype(np.float64)).all()
    return codes.view(np.uint8)


def int8_scales(rows):
    """The largest magnitude / 127 in f32, the smallest normal f32 at least; 1 for a row of zeros."""
    largest = np.abs(rows).max(axis=1).astype(np.float32)
    scales = np.maximum(largest / np.float32(127), np.float32(NORMAL))
    return np.where(largest == 0, np.float32(1), scales).astype(np.float32)


def int8_codes(rows, scales):
    """The nearest integer, ties to even, of magnitude 127 at most, of the quotient without any rounding before."""
    quotients = rows / scales.astype(np.float64)[:, None]
    codes = np.rint(quotients)
    # f64 has rounded the quotient: near a half, fractions decide. Python rounds them to even.
    close = np.abs(np.abs(quotients - np.trunc(quotients)) - 0.5) < 1e-9
    for row, column in np.argwhere(close):
        codes[row, column] = round(Fraction(float(rows[row, column])) / Fraction(float(scales[row])))
    return np.clip(codes, -127, 127).astype(np.int8)


def save_codes(name, rows):
    """`rows` f64 that f32 holds."""
    assert (rows.astype(np.float32) == rows).all()
    scales = fp8_scales(rows)
    save(f"{name}.fp8.scales", scales.astype(np.float32))
    save(f"{name}.fp8.codes", fp8_codes(rows, scales))
    scales = int8_scales(rows)
    save(f"{name}.int8.scales", scales)
    save(f"{name}.int8.codes", int8_codes(rows, scales))


def values():
    """Every bf16 there is: as itself and as f32."""
    bits = np.zeros((VOCABULARY, HIDDEN), np.uint16)
    bits.reshape(-1)[:65536] = np.arange(65536)
    save("every.bf16", bits)
    # A NaN becomes the NaN of the same upper half; everything else is ml_dtypes'.
    wide = bits.view(bf16).astype(np.float32)
    nan = np.isnan(wide)
    payload = (bits.astype(np.uint32) << 16).view(np.float32)
    assert np.isnan(payload[nan]).all() and (payload == wide)[~nan].all() and nan.sum() == 254
    save("every.f32", np.where(nan, payload.view(np.uint32), wide.view(np.uint32)))

    # The same in stacks of matrices that lie transposed in the checkpoint.
    stack = np.arange(65536, dtype=np.uint16).reshape(EXPERTS, HIDDEN, 2 * EXPERT_WIDTH)
    save("transposed.stored", stack)
    turned = stack.transpose(0, 2, 1)
    save("transposed.bf16", turned)
    wide = turned.astype(np.uint32) << 16
    save("transposed.f32", wide)


def dense():
    """Rows of finite bf16 to codes: neighbours, strangers, ties, subnormals, zeros."""
    finite = np.arange(65536, dtype=np.uint16)
    finite = finite[np.isfinite(finite.view(bf16).astype(np.float32))]
    assert len(finite) == 1020 * HIDDEN
    neighbours = finite.reshape(-1, HIDDEN)
    strangers = random.permutation(finite).reshape(-1, HIDDEN)

    def rows(*numbers):
        flat = np.concatenate([np.asarray(part, np.float64).reshape(-1) for part in numbers])
        assert flat.size % HIDDEN == 0 and flat.astype(bf16).astype(np.float64).tolist() == flat.tolist()
        return flat.astype(bf16).view(np.uint16).reshape(-1, HIDDEN)

    made = []
    # The middles between neighbouring codes, both signs, after the value that makes the scale.
    codes = np.arange(0x7F, dtype=np.uint8).view(e4m3).astype(np.float64)
    middles = (codes[:-1] + codes[1:]) / 2
    middles = np.concatenate([middles, -middles])
    for exponent in [-117, -30, 0, 1, 60, 118]:
        scale = 2.0**exponent
        for part in np.array_split(middles, 4):
            row = np.concatenate([[448.0], part, np.zeros(HIDDEN - 1 - len(part))]) * scale
            made.append(rows(row))
    # The same for integers.
    middles = np.arange(127) + 0.5
    middles = np.concatenate([middles, -middles])[:-1]
    for exponent in [-117, -30, 0, 1, 60, 120]:
        for part in np.array_split(middles[np.abs(middles) < 127], 5):
            row = np.concatenate([[127.0], part, np.zeros(HIDDEN - 1 - len(part))]) * 2.0**exponent
            made.append(rows(row))
    # Magnitudes that a row of codes can tell apart, at every height there is.
    for exponent in range(-126, 112, 7):
        spread = random.integers(-18, 9, HIDDEN).astype(np.float64)
        numbers = (1 + random.integers(0, 128, HIDDEN) / 128) * 2.0 ** np.maximum(exponent + spread, -126)
        made.append(rows(numbers * random.choice([-1, 1], HIDDEN)))
    # Subnormals of bf16 alone, of both signs, and with the smallest normal.
    small = np.arange(128, dtype=np.uint16)
    made.append(np.concatenate([small, small | 0x8000]).reshape(-1, HIDDEN))
    made.append(np.concatenate([small[:63], [0x0080]]).astype(np.uint16).reshape(1, HIDDEN))
    # Zeros, minus zeros, both, and one value among them.
    signs = random.choice(np.array([0, 0x8000], np.uint16), HIDDEN)
    alone = np.zeros((3, HIDDEN), np.uint16)
    alone[0, 63], alone[1, 0], alone[2, 7] = 0x7F7F, 0x0001, 0x8001
    made += [np.zeros((1, HIDDEN), np.uint16), np.full((1, HIDDEN), 0x8000, np.uint16), signs.reshape(1, HIDDEN), alone]
    bits = np.concatenate([neighbours, strangers, *made])
    assert len(bits) <= VOCABULARY, len(bits)
    bits = np.concatenate([bits, np.zeros((VOCABULARY - len(bits), HIDDEN), np.uint16)])
    save("dense.bf16", bits)
    save_codes("dense", bits.view(bf16).astype(np.float64))


def mxfp4_numbers(blocks, scales):
    """f64 of packed codes u8 `[rows, blocks, 16]`, low nibble first, and scales u8 `[rows, blocks]`."""
    nibbles = np.stack([blocks & 15, blocks >> 4], axis=-1).reshape(*blocks.shape[:2], 32)
    codes = nibbles.view(ml_dtypes.float4_e2m1fn).astype(np.float64)
    numbers = codes * scales.view(ml_dtypes.float8_e8m0fnu).astype(np.float64)[..., None]
    return numbers.reshape(len(blocks), -1)


def mxfp4():
    """Every code under every scale, and rows that mix scales, as numbers and as codes of rows."""
    rows, of_row = EXPERTS * 2 * EXPERT_WIDTH, HIDDEN // 32
    blocks = random.integers(0, 256, (rows, of_row, 16)).astype(np.uint8)
    scales = random.integers(0, 255, (rows, of_row)).astype(np.uint8)
    # The first blocks have all codes, in both halves of a byte, under all scales but that for NaN.
    every = np.arange(16, dtype=np.uint8)
    blocks.reshape(-1, 16)[:255] = every | (15 - every) << 4
    scales.reshape(-1)[:255] = np.arange(255)
    save("mxfp4.blocks", blocks)
    save("mxfp4.scales", scales)
    numbers = mxfp4_numbers(blocks, scales)
    with np.errstate(over="ignore"):
        wide = numbers.astype(np.float32)
        narrow = numbers.astype(bf16)
    assert np.isinf(wide).any() and (wide.astype(bf16).view(np.uint16) == narrow.view(np.uint16)).all()
    save("mxfp4.f32", wide)
    save("mxfp4.bf16", narrow.view(np.uint16))

    # Rows of finite numbers: scales from everywhere, and near to each other around every height.
    scales = random.integers(0, 253, (rows, of_row)).astype(np.uint8)
    for row in range(rows // 2):
        middle = int(random.integers(0, 253))
        scales[row] = np.clip(middle + random.integers(-14, 15, of_row), 0, 252)
    # Scales 253 and 254 with the codes that f32 still holds.
    for row, scale, allowed in [(600, 253, [0, 1, 2, 3, 4, 5]), (601, 254, [0, 1, 2, 3])]:
        scales[row, 0] = scale
        signs = random.choice([0, 8], (16, 2))
        low, high = (random.choice(allowed, (16, 2)) + signs).T
        blocks[row, 0] = low | high << 4
    # Zeros of both signs under any scale, the least numbers, and the largest beside the least.
    blocks[602], scales[602] = 0x00, [0, 254]
    blocks[603], scales[603] = 0x88, [254, 3]
    blocks[604], scales[604] = 0x91, [0, 0]
    blocks[605], scales[605] = 0x7F, [252, 0]
    blocks[606, 0], blocks[606, 1], scales[606] = 0x08, 0x11, [200, 0]
    save("finite.blocks", blocks)
    save("finite.scales", scales)
    save_codes("finite", mxfp4_numbers(blocks, scales))


def device():
    """What every code of eight and of four bits stands for."""
    save("e4m3.f32", np.arange(256, dtype=np.uint8).view(e4m3).astype(np.float32))
    save("e2m1.f32", np.arange(16, dtype=np.uint8).view(ml_dtypes.float4_e2m1fn).astype(np.float32))


values()
dense()
mxfp4()
device()
