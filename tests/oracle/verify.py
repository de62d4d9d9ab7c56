"""Parses and verifies StableHLO text files with jaxlib. One line a file: `ok` or the verifier's complaint."""

import sys

from jaxlib.mlir import ir
from jaxlib.mlir._mlir_libs import _jax_mlir_ext
from jaxlib.mlir.dialects import chlo, sdy, stablehlo

registry = ir.DialectRegistry()
_jax_mlir_ext.register_dialects(registry)
context = ir.Context()
context.append_dialect_registry(registry)
context.load_all_available_dialects()
stablehlo.register_dialect(context)
chlo.register_dialect(context)
sdy.register_dialect(context)

for path in sys.argv[1:]:
    with context, ir.Location.unknown(), open(path, encoding="utf-8") as file:
        try:
            verified = ir.Module.parse(file.read(), context).operation.verify()
            print("ok" if verified else "refused without a reason")
        except Exception as error:  # noqa: BLE001: whatever it is, the test shows it
            print(str(error).replace("\n", " | "))
