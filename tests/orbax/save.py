"""Writes the tensors of a safetensors file as checkpoints of Orbax, in every variant of VARIANTS.

save.py FILE FOLDER KEYS [VARIANT...]: KEYS is `nested` (by dots), `flat`, or `train` (nested, below `params` beside an optimizer's state).
"""

import json
import os
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax
import ml_dtypes
import numpy as np
import orbax.checkpoint as ocp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

DTYPES = {"BF16": ml_dtypes.bfloat16, "F8_E4M3": ml_dtypes.float8_e4m3fn, "U8": np.uint8, "I8": np.int8, "F32": np.float32, "F16": np.float16}


def read(path):
    raw = open(path, "rb").read()
    start = 8 + int.from_bytes(raw[:8], "little")
    tensors = {}
    for name, entry in json.loads(raw[8:start]).items():
        first, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(raw[start + first : start + end], dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def nested(tensors):
    tree = {}
    for name, value in tensors.items():
        *branches, leaf = name.split(".")
        place = tree
        for branch in branches:
            place = place.setdefault(branch, {})
        place[leaf] = value
    return tree


def sharded(tree):
    """Over four devices: two axes of an array where they can be divided."""
    mesh = Mesh(np.array(jax.devices()).reshape(2, 2), ("a", "b"))

    def put(value):
        axes = [name if axis < 2 and value.shape[axis] % 2 == 0 else None for axis, name in zip(range(value.ndim), "ab..." )]
        return jax.device_put(value, NamedSharding(mesh, PartitionSpec(*axes)))

    return jax.tree.map(put, tree)


def save(path, tree, chunk_bytes=None, data_file_bytes=None, **kw):
    arguments = jax.tree.map(lambda _: ocp.SaveArgs(chunk_byte_size=chunk_bytes), tree)
    saved = ocp.args.PyTreeSave(tree, save_args=arguments, ocdbt_target_data_file_size=data_file_bytes)
    ocp.Checkpointer(ocp.PyTreeCheckpointHandler(**kw)).save(path, args=saved)


def standard(path, tree):
    checkpointer = ocp.StandardCheckpointer()
    checkpointer.save(path, tree)
    checkpointer.wait_until_finished()


def manager(path, tree):
    with ocp.CheckpointManager(path) as steps:
        for step in (3, 12):
            steps.save(step, args=ocp.args.StandardSave(tree))
        steps.wait_until_finished()


VARIANTS = {
    "standard": standard,
    "manager": manager,
    "v2": lambda path, tree: save(path, tree, use_ocdbt=False),
    "v3": lambda path, tree: save(path, tree, use_ocdbt=False, use_zarr3=True),
    "ocdbt-v3": lambda path, tree: save(path, tree, use_ocdbt=True, use_zarr3=True),
    "sharded": lambda path, tree: save(path, sharded(tree), use_ocdbt=True),
    "sharded-v2": lambda path, tree: save(path, sharded(tree), use_ocdbt=False),
    "sharded-v3": lambda path, tree: save(path, sharded(tree), use_ocdbt=False, use_zarr3=True),
    "chunked": lambda path, tree: save(path, sharded(tree), 300, 4096, use_ocdbt=True),
    "chunked-v2": lambda path, tree: save(path, tree, 300, use_ocdbt=False),
    "chunked-v3": lambda path, tree: save(path, tree, 300, use_ocdbt=True, use_zarr3=True),
}

if __name__ == "__main__":
    file, folder, keys, *variants = sys.argv[1:]
    tree = read(file)
    if keys != "flat":
        tree = nested(tree)
    if keys == "train":
        tree = {"params": tree, "opt_state": {"count": np.int32(7)}, "step": np.int32(7)}
    for variant in variants or VARIANTS:
        VARIANTS[variant](os.path.abspath(os.path.join(folder, variant)), tree)
