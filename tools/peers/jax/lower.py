"""The StableHLO of the JAX model's programs, with what they take and give, as `examples/cost.rs` reads it."""

import functools

import jax
import jax.numpy as jnp
from jax.sharding import AbstractMesh, AxisType, NamedSharding, PartitionSpec

import model

# As StableHLO calls them.
ELEMENTS = {"bfloat16": "bf16", "float32": "f32", "float8_e4m3fn": "f8E4M3FN", "int8": "i8", "uint8": "ui8", "int32": "i32"}


def program(config, variant, phase, batch, context):
    """`decode`, or `prefill-N` of one sequence: the text, and its signature as JSON."""
    mesh = AbstractMesh((variant.devices,), (model.AXIS,), axis_types=(AxisType.Auto,)) if variant.devices > 1 else None
    is_entry = lambda entry: isinstance(entry, tuple)

    def place(spec):
        return None if mesh is None else NamedSharding(mesh, spec)

    def described(tree):
        return jax.tree.map(lambda entry: jax.ShapeDtypeStruct(*entry[:2], sharding=place(entry[2])), tree, is_leaf=is_entry)

    def whole(*dims):
        return jax.ShapeDtypeStruct(dims, jnp.int32, sharding=place(PartitionSpec()))

    params = model.parameters(config, variant)
    sequences = batch if phase == "decode" else 1
    cache = model.caches(config, variant, sequences, context)
    if phase == "decode":
        function, others = model.decode, [whole(batch), whole()]
    else:
        function, others = model.prefill, [whole(1, int(phase.removeprefix("prefill-"))), whole(), whole()]
    function = functools.partial(function, config, variant)
    function.__name__ = phase.replace("-", "_")
    options = {}
    if mesh is not None:
        options["out_shardings"] = (jax.tree.map(lambda entry: place(entry[2]), cache, is_leaf=is_entry), place(PartitionSpec()))
    jitted = jax.jit(function, donate_argnums=(1,), **options)
    lowered = jitted.trace(described(params), described(cache), *others).lower(lowering_platforms=("tpu",))

    def entries(tree):
        leaves, _ = jax.tree.flatten(tree, is_leaf=is_entry)
        return [{"element": ELEMENTS[jnp.dtype(dtype).name], "dims": list(shape), "axes": [axis or "" for axis in spec]}
                for shape, dtype, spec in leaves]

    # Results are the caches, each in the place of the one that was given, and the tokens.
    caches = entries(cache)
    for place_, entry in enumerate(caches):
        entry["donated_to"] = place_
    results = caches + [{"element": "i32", "dims": [sequences]}]
    signature = {
        "mesh": [] if mesh is None else [[model.AXIS, variant.devices]],
        "parameters": entries(params) + caches,
        "results": [{"element": entry["element"], "dims": entry["dims"]} for entry in results],
    }
    return lowered.as_text(), signature
