module @prefill_48 {
  func.func public @main(
      %embedding.weight: tensor<1336x416xbf16> {mhlo.layout_mode = "{1,0}"},
      %rope.cos: tensor<1024x14xf32>,
      %rope.sin: tensor<1024x14xf32>,
      %layers.0.attention.norm: tensor<416xf32>,
      %layers.0.attention.qkv.weight: tensor<1680x416xbf16>,
      %layers.0.attention.qkv.bias: tensor<1680xf32>,
      %layers.0.attention.sinks: tensor<36xf32>,
      %layers.0.attention.out.weight: tensor<416x1008xbf16>,
      %layers.0.attention.out.bias: tensor<416xf32>,
      %layers.0.moe.norm: tensor<416xf32>,
      %layers.0.moe.router.weight: tensor<9x416xbf16>,
      %layers.0.moe.router.bias: tensor<9xf32>,
      %layers.0.moe.gate_up.weight: tensor<1x9x1216x416xf8E4M3FN>,
      %layers.0.moe.gate_up.scales: tensor<1x9x1216xf32>,
      %layers.0.moe.gate_up.bias: tensor<1x9x1216xf32>,
      %layers.0.moe.down.weight: tensor<1x9x416x608xf8E4M3FN>,
      %layers.0.moe.down.scales: tensor<1x9x416xf32>,
      %layers.0.moe.down.bias: tensor<9x416xf32>,
      %layers.1.attention.norm: tensor<416xf32>,
      %layers.1.attention.qkv.weight: tensor<1680x416xbf16>,
      %layers.1.attention.qkv.bias: tensor<1680xf32>,
      %layers.1.attention.sinks: tensor<36xf32>,
      %layers.1.attention.out.weight: tensor<416x1008xbf16>,
      %layers.1.attention.out.bias: tensor<416xf32>,
      %layers.1.moe.norm: tensor<416xf32>,
      %layers.1.moe.router.weight: tensor<9x416xbf16>,
      %layers.1.moe.router.bias: tensor<9xf32>,
      %layers.1.moe.gate_up.weight: tensor<1x9x1216x416xf8E4M3FN>,
      %layers.1.moe.gate_up.scales: tensor<1x9x1216xf32>,
      %layers.1.moe.gate_up.bias: tensor<1x9x1216xf32>,
      %layers.1.moe.down.weight: tensor<1x9x416x608xf8E4M3FN>,
      %layers.1.moe.down.scales: tensor<1x9x416xf32>,
      %layers.1.moe.down.bias: tensor<9x416xf32>,
      %norm: tensor<416xf32>,
      %unembedding.weight: tensor<1336x416xbf16>,
      %cache.0.keys: tensor<1x12x40x28xbf16> {tf.aliasing_output = 0 : i32},
      %cache.0.values: tensor<1x12x40x28xbf16> {tf.aliasing_output = 1 : i32},
      %cache.1.keys: tensor<1x12x1024x28xbf16> {tf.aliasing_output = 2 : i32},
      %cache.1.values: tensor<1x12x1024x28xbf16> {tf.aliasing_output = 3 : i32},
      %tokens: tensor<48xi32>,
      %sequence: tensor<i32>,
      %start: tensor<i32>,
      %count: tensor<i32>,
      %temperature: tensor<1xf32>,
      %top_k: tensor<1xi32>,
      %top_p: tensor<1xf32>,
      %min_p: tensor<1xf32>,
      %seed: tensor<1xui64>) -> (tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>, tensor<1x12x1024x28xbf16>, tensor<1x12x1024x28xbf16>, tensor<1xi32>, tensor<1xf32>) {
    %rope.iota = stablehlo.iota dim = 0 : tensor<48xi32>
    %rope.broadcast_in_dim = stablehlo.broadcast_in_dim %start, dims = [] : (tensor<i32>) -> tensor<48xi32>
    %rope.add = stablehlo.add %rope.iota, %rope.broadcast_in_dim : tensor<48xi32>
    %rope.cos_2 = "stablehlo.gather"(%rope.cos, %rope.add) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 14>}> : (tensor<1024x14xf32>, tensor<48xi32>) -> tensor<48x14xf32>
    %rope.sin_2 = "stablehlo.gather"(%rope.sin, %rope.add) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 14>}> : (tensor<1024x14xf32>, tensor<48xi32>) -> tensor<48x14xf32>
    %embedding.gather = "stablehlo.gather"(%embedding.weight, %tokens) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 416>}> : (tensor<1336x416xbf16>, tensor<48xi32>) -> tensor<48x416xbf16>
    %embedding.convert = stablehlo.convert %embedding.gather : (tensor<48x416xbf16>) -> tensor<48x416xf32>
    %layers.0.attention.norm.multiply = stablehlo.multiply %embedding.convert, %embedding.convert : tensor<48x416xf32>
    %layers.0.attention.norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.0.attention.norm.reduce = stablehlo.reduce(%layers.0.attention.norm.multiply init: %layers.0.attention.norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<48x416xf32>, tensor<f32>) -> tensor<48xf32>
    %layers.0.attention.norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<48xf32>
    %layers.0.attention.norm.divide = stablehlo.divide %layers.0.attention.norm.reduce, %layers.0.attention.norm.constant_2 : tensor<48xf32>
    %layers.0.attention.norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<48xf32>
    %layers.0.attention.norm.add = stablehlo.add %layers.0.attention.norm.divide, %layers.0.attention.norm.constant_3 : tensor<48xf32>
    %layers.0.attention.norm.rsqrt = stablehlo.rsqrt %layers.0.attention.norm.add : tensor<48xf32>
    %layers.0.attention.norm.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.0.attention.norm.rsqrt, dims = [0] : (tensor<48xf32>) -> tensor<48x416xf32>
    %layers.0.attention.norm.multiply_2 = stablehlo.multiply %embedding.convert, %layers.0.attention.norm.broadcast_in_dim : tensor<48x416xf32>
    %layers.0.attention.norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.0.attention.norm, dims = [1] : (tensor<416xf32>) -> tensor<48x416xf32>
    %layers.0.attention.norm.multiply_3 = stablehlo.multiply %layers.0.attention.norm.multiply_2, %layers.0.attention.norm.broadcast_in_dim_2 : tensor<48x416xf32>
    %layers.0.attention.convert = stablehlo.convert %layers.0.attention.norm.multiply_3 : (tensor<48x416xf32>) -> tensor<48x416xbf16>
    %layers.0.attention.dot_general = stablehlo.dot_general %layers.0.attention.convert, %layers.0.attention.qkv.weight, contracting_dims = [1] x [1] : (tensor<48x416xbf16>, tensor<1680x416xbf16>) -> tensor<48x1680xf32>
    %layers.0.attention.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.0.attention.qkv.bias, dims = [1] : (tensor<1680xf32>) -> tensor<48x1680xf32>
    %layers.0.attention.add = stablehlo.add %layers.0.attention.dot_general, %layers.0.attention.broadcast_in_dim : tensor<48x1680xf32>
    %layers.0.attention.reshape = stablehlo.reshape %layers.0.attention.add : (tensor<48x1680xf32>) -> tensor<48x12x5x28xf32>
    %layers.0.attention.slice = stablehlo.slice %layers.0.attention.reshape [0:48, 0:12, 0:3, 0:28] : (tensor<48x12x5x28xf32>) -> tensor<48x12x3x28xf32>
    %layers.0.attention.slice_2 = stablehlo.slice %layers.0.attention.slice [0:48, 0:12, 0:3, 0:14] : (tensor<48x12x3x28xf32>) -> tensor<48x12x3x14xf32>
    %layers.0.attention.slice_3 = stablehlo.slice %layers.0.attention.slice [0:48, 0:12, 0:3, 14:28] : (tensor<48x12x3x28xf32>) -> tensor<48x12x3x14xf32>
    %layers.0.attention.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %rope.cos_2, dims = [0, 3] : (tensor<48x14xf32>) -> tensor<48x12x3x14xf32>
    %layers.0.attention.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %rope.sin_2, dims = [0, 3] : (tensor<48x14xf32>) -> tensor<48x12x3x14xf32>
    %layers.0.attention.multiply = stablehlo.multiply %layers.0.attention.slice_2, %layers.0.attention.broadcast_in_dim_2 : tensor<48x12x3x14xf32>
    %layers.0.attention.multiply_2 = stablehlo.multiply %layers.0.attention.slice_3, %layers.0.attention.broadcast_in_dim_3 : tensor<48x12x3x14xf32>
    %layers.0.attention.subtract = stablehlo.subtract %layers.0.attention.multiply, %layers.0.attention.multiply_2 : tensor<48x12x3x14xf32>
    %layers.0.attention.multiply_3 = stablehlo.multiply %layers.0.attention.slice_3, %layers.0.attention.broadcast_in_dim_2 : tensor<48x12x3x14xf32>
    %layers.0.attention.multiply_4 = stablehlo.multiply %layers.0.attention.slice_2, %layers.0.attention.broadcast_in_dim_3 : tensor<48x12x3x14xf32>
    %layers.0.attention.add_2 = stablehlo.add %layers.0.attention.multiply_3, %layers.0.attention.multiply_4 : tensor<48x12x3x14xf32>
    %layers.0.attention.concatenate = stablehlo.concatenate %layers.0.attention.subtract, %layers.0.attention.add_2, dim = 3 : (tensor<48x12x3x14xf32>, tensor<48x12x3x14xf32>) -> tensor<48x12x3x28xf32>
    %layers.0.attention.convert_2 = stablehlo.convert %layers.0.attention.concatenate : (tensor<48x12x3x28xf32>) -> tensor<48x12x3x28xbf16>
    %layers.0.attention.queries = stablehlo.reshape %layers.0.attention.convert_2 : (tensor<48x12x3x28xbf16>) -> tensor<1x48x12x3x28xbf16>
    %layers.0.attention.keys.slice = stablehlo.slice %layers.0.attention.reshape [0:48, 0:12, 3:4, 0:28] : (tensor<48x12x5x28xf32>) -> tensor<48x12x1x28xf32>
    %layers.0.attention.keys.slice_2 = stablehlo.slice %layers.0.attention.keys.slice [0:48, 0:12, 0:1, 0:14] : (tensor<48x12x1x28xf32>) -> tensor<48x12x1x14xf32>
    %layers.0.attention.keys.slice_3 = stablehlo.slice %layers.0.attention.keys.slice [0:48, 0:12, 0:1, 14:28] : (tensor<48x12x1x28xf32>) -> tensor<48x12x1x14xf32>
    %layers.0.attention.keys.broadcast_in_dim = stablehlo.broadcast_in_dim %rope.cos_2, dims = [0, 3] : (tensor<48x14xf32>) -> tensor<48x12x1x14xf32>
    %layers.0.attention.keys.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %rope.sin_2, dims = [0, 3] : (tensor<48x14xf32>) -> tensor<48x12x1x14xf32>
    %layers.0.attention.keys.multiply = stablehlo.multiply %layers.0.attention.keys.slice_2, %layers.0.attention.keys.broadcast_in_dim : tensor<48x12x1x14xf32>
    %layers.0.attention.keys.multiply_2 = stablehlo.multiply %layers.0.attention.keys.slice_3, %layers.0.attention.keys.broadcast_in_dim_2 : tensor<48x12x1x14xf32>
    %layers.0.attention.keys.subtract = stablehlo.subtract %layers.0.attention.keys.multiply, %layers.0.attention.keys.multiply_2 : tensor<48x12x1x14xf32>
    %layers.0.attention.keys.multiply_3 = stablehlo.multiply %layers.0.attention.keys.slice_3, %layers.0.attention.keys.broadcast_in_dim : tensor<48x12x1x14xf32>
    %layers.0.attention.keys.multiply_4 = stablehlo.multiply %layers.0.attention.keys.slice_2, %layers.0.attention.keys.broadcast_in_dim_2 : tensor<48x12x1x14xf32>
    %layers.0.attention.keys.add = stablehlo.add %layers.0.attention.keys.multiply_3, %layers.0.attention.keys.multiply_4 : tensor<48x12x1x14xf32>
    %layers.0.attention.keys.concatenate = stablehlo.concatenate %layers.0.attention.keys.subtract, %layers.0.attention.keys.add, dim = 3 : (tensor<48x12x1x14xf32>, tensor<48x12x1x14xf32>) -> tensor<48x12x1x28xf32>
    %layers.0.attention.keys.reshape = stablehlo.reshape %layers.0.attention.keys.concatenate : (tensor<48x12x1x28xf32>) -> tensor<1x48x12x28xf32>
    %layers.0.attention.keys.transpose = stablehlo.transpose %layers.0.attention.keys.reshape, dims = [0, 2, 1, 3] : (tensor<1x48x12x28xf32>) -> tensor<1x12x48x28xf32>
    %layers.0.attention.keys.convert = stablehlo.convert %layers.0.attention.keys.transpose : (tensor<1x12x48x28xf32>) -> tensor<1x12x48x28xbf16>
    %layers.0.attention.values.slice = stablehlo.slice %layers.0.attention.reshape [0:48, 0:12, 4:5, 0:28] : (tensor<48x12x5x28xf32>) -> tensor<48x12x1x28xf32>
    %layers.0.attention.values.reshape = stablehlo.reshape %layers.0.attention.values.slice : (tensor<48x12x1x28xf32>) -> tensor<1x48x12x28xf32>
    %layers.0.attention.values.transpose = stablehlo.transpose %layers.0.attention.values.reshape, dims = [0, 2, 1, 3] : (tensor<1x48x12x28xf32>) -> tensor<1x12x48x28xf32>
    %layers.0.attention.values.convert = stablehlo.convert %layers.0.attention.values.transpose : (tensor<1x12x48x28xf32>) -> tensor<1x12x48x28xbf16>
    %layers.0.attention.iota = stablehlo.iota dim = 0 : tensor<48xi32>
    %layers.0.attention.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %start, dims = [] : (tensor<i32>) -> tensor<48xi32>
    %layers.0.attention.add_3 = stablehlo.add %layers.0.attention.iota, %layers.0.attention.broadcast_in_dim_4 : tensor<48xi32>
    %layers.0.attention.reshape_3 = stablehlo.reshape %layers.0.attention.add_3 : (tensor<48xi32>) -> tensor<1x48xi32>
    %layers.0.attention.constant = stablehlo.constant dense<0> : tensor<i32>
    %layers.0.attention.constant_2 = stablehlo.constant dense<0> : tensor<i32>
    %layers.0.attention.dynamic_slice = stablehlo.dynamic_slice %cache.0.keys, %sequence, %layers.0.attention.constant_2, %layers.0.attention.constant, %layers.0.attention.constant_2, sizes = [1, 12, 40, 28] : (tensor<1x12x40x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %layers.0.attention.concatenate_2 = stablehlo.concatenate %layers.0.attention.dynamic_slice, %layers.0.attention.dynamic_slice, dim = 2 : (tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>) -> tensor<1x12x80x28xbf16>
    %layers.0.attention.constant_3 = stablehlo.constant dense<40> : tensor<i32>
    %layers.0.attention.remainder = stablehlo.remainder %start, %layers.0.attention.constant_3 : tensor<i32>
    %layers.0.attention.constant_4 = stablehlo.constant dense<0> : tensor<i32>
    %layers.0.attention.dynamic_slice_2 = stablehlo.dynamic_slice %layers.0.attention.concatenate_2, %layers.0.attention.constant, %layers.0.attention.constant_4, %layers.0.attention.remainder, %layers.0.attention.constant_4, sizes = [1, 12, 40, 28] : (tensor<1x12x80x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %layers.0.attention.seen = stablehlo.concatenate %layers.0.attention.dynamic_slice_2, %layers.0.attention.keys.convert, dim = 2 : (tensor<1x12x40x28xbf16>, tensor<1x12x48x28xbf16>) -> tensor<1x12x88x28xbf16>
    %layers.0.attention.constant_5 = stablehlo.constant dense<0> : tensor<i32>
    %layers.0.attention.dynamic_slice_3 = stablehlo.dynamic_slice %layers.0.attention.seen, %layers.0.attention.constant, %layers.0.attention.constant_5, %count, %layers.0.attention.constant_5, sizes = [1, 12, 40, 28] : (tensor<1x12x88x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %layers.0.attention.add_4 = stablehlo.add %start, %count : tensor<i32>
    %layers.0.attention.constant_6 = stablehlo.constant dense<40> : tensor<i32>
    %layers.0.attention.remainder_2 = stablehlo.remainder %layers.0.attention.add_4, %layers.0.attention.constant_6 : tensor<i32>
    %layers.0.attention.concatenate_4 = stablehlo.concatenate %layers.0.attention.dynamic_slice_3, %layers.0.attention.dynamic_slice_3, dim = 2 : (tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>) -> tensor<1x12x80x28xbf16>
    %layers.0.attention.negate = stablehlo.negate %layers.0.attention.remainder_2 : tensor<i32>
    %layers.0.attention.constant_7 = stablehlo.constant dense<40> : tensor<i32>
    %layers.0.attention.add_5 = stablehlo.add %layers.0.attention.negate, %layers.0.attention.constant_7 : tensor<i32>
    %layers.0.attention.constant_8 = stablehlo.constant dense<0> : tensor<i32>
    %layers.0.attention.dynamic_slice_4 = stablehlo.dynamic_slice %layers.0.attention.concatenate_4, %layers.0.attention.constant, %layers.0.attention.constant_8, %layers.0.attention.add_5, %layers.0.attention.constant_8, sizes = [1, 12, 40, 28] : (tensor<1x12x80x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %layers.0.attention.constant_9 = stablehlo.constant dense<0> : tensor<i32>
    %layers.0.attention.dynamic_update_slice = stablehlo.dynamic_update_slice %cache.0.keys, %layers.0.attention.dynamic_slice_4, %sequence, %layers.0.attention.constant_9, %layers.0.attention.constant, %layers.0.attention.constant_9 : (tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %layers.0.attention.constant_10 = stablehlo.constant dense<0> : tensor<i32>
    %layers.0.attention.constant_11 = stablehlo.constant dense<0> : tensor<i32>
    %layers.0.attention.dynamic_slice_5 = stablehlo.dynamic_slice %cache.0.values, %sequence, %layers.0.attention.constant_11, %layers.0.attention.constant_10, %layers.0.attention.constant_11, sizes = [1, 12, 40, 28] : (tensor<1x12x40x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %layers.0.attention.concatenate_5 = stablehlo.concatenate %layers.0.attention.dynamic_slice_5, %layers.0.attention.dynamic_slice_5, dim = 2 : (tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>) -> tensor<1x12x80x28xbf16>
    %layers.0.attention.constant_12 = stablehlo.constant dense<40> : tensor<i32>
    %layers.0.attention.remainder_3 = stablehlo.remainder %start, %layers.0.attention.constant_12 : tensor<i32>
    %layers.0.attention.constant_13 = stablehlo.constant dense<0> : tensor<i32>
    %layers.0.attention.dynamic_slice_6 = stablehlo.dynamic_slice %layers.0.attention.concatenate_5, %layers.0.attention.constant_10, %layers.0.attention.constant_13, %layers.0.attention.remainder_3, %layers.0.attention.constant_13, sizes = [1, 12, 40, 28] : (tensor<1x12x80x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %layers.0.attention.seen_2 = stablehlo.concatenate %layers.0.attention.dynamic_slice_6, %layers.0.attention.values.convert, dim = 2 : (tensor<1x12x40x28xbf16>, tensor<1x12x48x28xbf16>) -> tensor<1x12x88x28xbf16>
    %layers.0.attention.constant_14 = stablehlo.constant dense<0> : tensor<i32>
    %layers.0.attention.dynamic_slice_7 = stablehlo.dynamic_slice %layers.0.attention.seen_2, %layers.0.attention.constant_10, %layers.0.attention.constant_14, %count, %layers.0.attention.constant_14, sizes = [1, 12, 40, 28] : (tensor<1x12x88x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %layers.0.attention.add_6 = stablehlo.add %start, %count : tensor<i32>
    %layers.0.attention.constant_15 = stablehlo.constant dense<40> : tensor<i32>
    %layers.0.attention.remainder_4 = stablehlo.remainder %layers.0.attention.add_6, %layers.0.attention.constant_15 : tensor<i32>
    %layers.0.attention.concatenate_7 = stablehlo.concatenate %layers.0.attention.dynamic_slice_7, %layers.0.attention.dynamic_slice_7, dim = 2 : (tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>) -> tensor<1x12x80x28xbf16>
    %layers.0.attention.negate_2 = stablehlo.negate %layers.0.attention.remainder_4 : tensor<i32>
    %layers.0.attention.constant_16 = stablehlo.constant dense<40> : tensor<i32>
    %layers.0.attention.add_7 = stablehlo.add %layers.0.attention.negate_2, %layers.0.attention.constant_16 : tensor<i32>
    %layers.0.attention.constant_17 = stablehlo.constant dense<0> : tensor<i32>
    %layers.0.attention.dynamic_slice_8 = stablehlo.dynamic_slice %layers.0.attention.concatenate_7, %layers.0.attention.constant_10, %layers.0.attention.constant_17, %layers.0.attention.add_7, %layers.0.attention.constant_17, sizes = [1, 12, 40, 28] : (tensor<1x12x80x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %layers.0.attention.constant_18 = stablehlo.constant dense<0> : tensor<i32>
    %layers.0.attention.dynamic_update_slice_2 = stablehlo.dynamic_update_slice %cache.0.values, %layers.0.attention.dynamic_slice_8, %sequence, %layers.0.attention.constant_18, %layers.0.attention.constant_10, %layers.0.attention.constant_18 : (tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %layers.0.attention.iota_2 = stablehlo.iota dim = 1 : tensor<1x48x88xi32>
    %layers.0.attention.constant_19 = stablehlo.constant dense<40> : tensor<1x48x88xi32>
    %layers.0.attention.add_8 = stablehlo.add %layers.0.attention.iota_2, %layers.0.attention.constant_19 : tensor<1x48x88xi32>
    %layers.0.attention.iota_3 = stablehlo.iota dim = 2 : tensor<1x48x88xi32>
    %layers.0.attention.iota_4 = stablehlo.iota dim = 0 : tensor<1x48x88xi32>
    %layers.0.attention.constant_20 = stablehlo.constant dense<48> : tensor<1x48x88xi32>
    %layers.0.attention.multiply_5 = stablehlo.multiply %layers.0.attention.iota_4, %layers.0.attention.constant_20 : tensor<1x48x88xi32>
    %layers.0.attention.add_9 = stablehlo.add %layers.0.attention.multiply_5, %layers.0.attention.iota_3 : tensor<1x48x88xi32>
    %layers.0.attention.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %start, dims = [] : (tensor<i32>) -> tensor<1x48x88xi32>
    %layers.0.attention.add_10 = stablehlo.add %layers.0.attention.add_9, %layers.0.attention.broadcast_in_dim_5 : tensor<1x48x88xi32>
    %layers.0.attention.constant_21 = stablehlo.constant dense<40> : tensor<1x48x88xi32>
    %layers.0.attention.subtract_2 = stablehlo.subtract %layers.0.attention.add_10, %layers.0.attention.constant_21 : tensor<1x48x88xi32>
    %layers.0.attention.compare = stablehlo.compare LE, %layers.0.attention.iota_3, %layers.0.attention.add_8, SIGNED : (tensor<1x48x88xi32>, tensor<1x48x88xi32>) -> tensor<1x48x88xi1>
    %layers.0.attention.constant_22 = stablehlo.constant dense<40> : tensor<1x48x88xi32>
    %layers.0.attention.subtract_3 = stablehlo.subtract %layers.0.attention.add_8, %layers.0.attention.constant_22 : tensor<1x48x88xi32>
    %layers.0.attention.compare_2 = stablehlo.compare GT, %layers.0.attention.iota_3, %layers.0.attention.subtract_3, SIGNED : (tensor<1x48x88xi32>, tensor<1x48x88xi32>) -> tensor<1x48x88xi1>
    %layers.0.attention.and = stablehlo.and %layers.0.attention.compare, %layers.0.attention.compare_2 : tensor<1x48x88xi1>
    %layers.0.attention.constant_23 = stablehlo.constant dense<0> : tensor<1x48x88xi32>
    %layers.0.attention.compare_3 = stablehlo.compare GE, %layers.0.attention.subtract_2, %layers.0.attention.constant_23, SIGNED : (tensor<1x48x88xi32>, tensor<1x48x88xi32>) -> tensor<1x48x88xi1>
    %layers.0.attention.and_2 = stablehlo.and %layers.0.attention.and, %layers.0.attention.compare_3 : tensor<1x48x88xi1>
    %layers.0.attention.reshape_4 = stablehlo.reshape %layers.0.attention.sinks : (tensor<36xf32>) -> tensor<12x3xf32>
    %layers.0.attention.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %layers.0.attention.reshape_4, dims = [1, 3] : (tensor<12x3xf32>) -> tensor<1x12x48x3xf32>
    %layers.0.attention.constant_24 = stablehlo.constant dense<0.0> : tensor<1x12x48x3x28xf32>
    %layers.0.attention.constant_25 = stablehlo.constant dense<1.0> : tensor<1x12x48x3x1xf32>
    %layers.0.attention.concatenate_8 = stablehlo.concatenate %layers.0.attention.constant_24, %layers.0.attention.constant_25, dim = 4 : (tensor<1x12x48x3x28xf32>, tensor<1x12x48x3x1xf32>) -> tensor<1x12x48x3x29xf32>
    %layers.0.attention.dot_general_2 = stablehlo.dot_general %layers.0.attention.queries, %layers.0.attention.seen, batching_dims = [0, 2] x [0, 1], contracting_dims = [4] x [3] : (tensor<1x48x12x3x28xbf16>, tensor<1x12x88x28xbf16>) -> tensor<1x12x48x3x88xf32>
    %layers.0.attention.constant_26 = stablehlo.constant dense<1.8898223e-1> : tensor<1x12x48x3x88xf32>
    %layers.0.attention.multiply_6 = stablehlo.multiply %layers.0.attention.dot_general_2, %layers.0.attention.constant_26 : tensor<1x12x48x3x88xf32>
    %layers.0.attention.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %layers.0.attention.and_2, dims = [0, 2, 4] : (tensor<1x48x88xi1>) -> tensor<1x12x48x3x88xi1>
    %layers.0.attention.constant_27 = stablehlo.constant dense<0xFF800000> : tensor<1x12x48x3x88xf32>
    %layers.0.attention.scores = stablehlo.select %layers.0.attention.broadcast_in_dim_7, %layers.0.attention.multiply_6, %layers.0.attention.constant_27 : tensor<1x12x48x3x88xi1>, tensor<1x12x48x3x88xf32>
    %layers.0.attention.constant_28 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %layers.0.attention.reduce = stablehlo.reduce(%layers.0.attention.scores init: %layers.0.attention.constant_28) applies stablehlo.maximum across dimensions = [4] : (tensor<1x12x48x3x88xf32>, tensor<f32>) -> tensor<1x12x48x3xf32>
    %layers.0.attention.maximum = stablehlo.maximum %layers.0.attention.broadcast_in_dim_6, %layers.0.attention.reduce : tensor<1x12x48x3xf32>
    %layers.0.attention.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %layers.0.attention.maximum, dims = [0, 1, 2, 3] : (tensor<1x12x48x3xf32>) -> tensor<1x12x48x3x88xf32>
    %layers.0.attention.subtract_4 = stablehlo.subtract %layers.0.attention.scores, %layers.0.attention.broadcast_in_dim_8 : tensor<1x12x48x3x88xf32>
    %layers.0.attention.weight = stablehlo.exponential %layers.0.attention.subtract_4 : tensor<1x12x48x3x88xf32>
    %layers.0.attention.subtract_5 = stablehlo.subtract %layers.0.attention.broadcast_in_dim_6, %layers.0.attention.maximum : tensor<1x12x48x3xf32>
    %layers.0.attention.exponential_2 = stablehlo.exponential %layers.0.attention.subtract_5 : tensor<1x12x48x3xf32>
    %layers.0.attention.constant_29 = stablehlo.constant dense<1.0> : tensor<1x12x88x1xbf16>
    %layers.0.attention.concatenate_9 = stablehlo.concatenate %layers.0.attention.seen_2, %layers.0.attention.constant_29, dim = 3 : (tensor<1x12x88x28xbf16>, tensor<1x12x88x1xbf16>) -> tensor<1x12x88x29xbf16>
    %layers.0.attention.convert_3 = stablehlo.convert %layers.0.attention.weight : (tensor<1x12x48x3x88xf32>) -> tensor<1x12x48x3x88xbf16>
    %layers.0.attention.dot_general_3 = stablehlo.dot_general %layers.0.attention.convert_3, %layers.0.attention.concatenate_9, batching_dims = [0, 1] x [0, 1], contracting_dims = [4] x [2] : (tensor<1x12x48x3x88xbf16>, tensor<1x12x88x29xbf16>) -> tensor<1x12x48x3x29xf32>
    %layers.0.attention.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %layers.0.attention.exponential_2, dims = [0, 1, 2, 3] : (tensor<1x12x48x3xf32>) -> tensor<1x12x48x3x29xf32>
    %layers.0.attention.multiply_7 = stablehlo.multiply %layers.0.attention.concatenate_8, %layers.0.attention.broadcast_in_dim_9 : tensor<1x12x48x3x29xf32>
    %layers.0.attention.add_11 = stablehlo.add %layers.0.attention.multiply_7, %layers.0.attention.dot_general_3 : tensor<1x12x48x3x29xf32>
    %layers.0.attention.slice_4 = stablehlo.slice %layers.0.attention.add_11 [0:1, 0:12, 0:48, 0:3, 28:29] : (tensor<1x12x48x3x29xf32>) -> tensor<1x12x48x3x1xf32>
    %layers.0.attention.reshape_5 = stablehlo.reshape %layers.0.attention.slice_4 : (tensor<1x12x48x3x1xf32>) -> tensor<1x12x48x3xf32>
    %layers.0.attention.slice_5 = stablehlo.slice %layers.0.attention.add_11 [0:1, 0:12, 0:48, 0:3, 0:28] : (tensor<1x12x48x3x29xf32>) -> tensor<1x12x48x3x28xf32>
    %layers.0.attention.broadcast_in_dim_10 = stablehlo.broadcast_in_dim %layers.0.attention.reshape_5, dims = [0, 1, 2, 3] : (tensor<1x12x48x3xf32>) -> tensor<1x12x48x3x28xf32>
    %layers.0.attention.divide = stablehlo.divide %layers.0.attention.slice_5, %layers.0.attention.broadcast_in_dim_10 : tensor<1x12x48x3x28xf32>
    %layers.0.attention.transpose = stablehlo.transpose %layers.0.attention.divide, dims = [0, 2, 1, 3, 4] : (tensor<1x12x48x3x28xf32>) -> tensor<1x48x12x3x28xf32>
    %layers.0.attention.attended = stablehlo.reshape %layers.0.attention.transpose : (tensor<1x48x12x3x28xf32>) -> tensor<48x1008xf32>
    %layers.0.attention.convert_4 = stablehlo.convert %layers.0.attention.attended : (tensor<48x1008xf32>) -> tensor<48x1008xbf16>
    %layers.0.attention.dot_general_4 = stablehlo.dot_general %layers.0.attention.convert_4, %layers.0.attention.out.weight, contracting_dims = [1] x [1] : (tensor<48x1008xbf16>, tensor<416x1008xbf16>) -> tensor<48x416xf32>
    %layers.0.attention.broadcast_in_dim_11 = stablehlo.broadcast_in_dim %layers.0.attention.out.bias, dims = [1] : (tensor<416xf32>) -> tensor<48x416xf32>
    %layers.0.attention.add_12 = stablehlo.add %layers.0.attention.dot_general_4, %layers.0.attention.broadcast_in_dim_11 : tensor<48x416xf32>
    %layers.0.add = stablehlo.add %embedding.convert, %layers.0.attention.add_12 : tensor<48x416xf32>
    %layers.0.moe.norm.multiply = stablehlo.multiply %layers.0.add, %layers.0.add : tensor<48x416xf32>
    %layers.0.moe.norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.0.moe.norm.reduce = stablehlo.reduce(%layers.0.moe.norm.multiply init: %layers.0.moe.norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<48x416xf32>, tensor<f32>) -> tensor<48xf32>
    %layers.0.moe.norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<48xf32>
    %layers.0.moe.norm.divide = stablehlo.divide %layers.0.moe.norm.reduce, %layers.0.moe.norm.constant_2 : tensor<48xf32>
    %layers.0.moe.norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<48xf32>
    %layers.0.moe.norm.add = stablehlo.add %layers.0.moe.norm.divide, %layers.0.moe.norm.constant_3 : tensor<48xf32>
    %layers.0.moe.norm.rsqrt = stablehlo.rsqrt %layers.0.moe.norm.add : tensor<48xf32>
    %layers.0.moe.norm.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.0.moe.norm.rsqrt, dims = [0] : (tensor<48xf32>) -> tensor<48x416xf32>
    %layers.0.moe.norm.multiply_2 = stablehlo.multiply %layers.0.add, %layers.0.moe.norm.broadcast_in_dim : tensor<48x416xf32>
    %layers.0.moe.norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.0.moe.norm, dims = [1] : (tensor<416xf32>) -> tensor<48x416xf32>
    %layers.0.moe.norm.multiply_3 = stablehlo.multiply %layers.0.moe.norm.multiply_2, %layers.0.moe.norm.broadcast_in_dim_2 : tensor<48x416xf32>
    %layers.0.moe.convert = stablehlo.convert %layers.0.moe.norm.multiply_3 : (tensor<48x416xf32>) -> tensor<48x416xbf16>
    %layers.0.moe.dot_general = stablehlo.dot_general %layers.0.moe.convert, %layers.0.moe.router.weight, contracting_dims = [1] x [1] : (tensor<48x416xbf16>, tensor<9x416xbf16>) -> tensor<48x9xf32>
    %layers.0.moe.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.0.moe.router.bias, dims = [1] : (tensor<9xf32>) -> tensor<48x9xf32>
    %layers.0.moe.router = stablehlo.add %layers.0.moe.dot_general, %layers.0.moe.broadcast_in_dim : tensor<48x9xf32>
    %layers.0.moe.iota = stablehlo.iota dim = 1 : tensor<48x9xi32>
    %layers.0.moe.convert_2 = stablehlo.convert %layers.0.moe.iota : (tensor<48x9xi32>) -> tensor<48x9xf32>
    %layers.0.moe.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.0.moe.router, dims = [0, 1] : (tensor<48x9xf32>) -> tensor<48x9x9xf32>
    %layers.0.moe.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %layers.0.moe.router, dims = [0, 2] : (tensor<48x9xf32>) -> tensor<48x9x9xf32>
    %layers.0.moe.compare = stablehlo.compare GT, %layers.0.moe.broadcast_in_dim_3, %layers.0.moe.broadcast_in_dim_2, FLOAT : (tensor<48x9x9xf32>, tensor<48x9x9xf32>) -> tensor<48x9x9xi1>
    %layers.0.moe.compare_2 = stablehlo.compare EQ, %layers.0.moe.broadcast_in_dim_3, %layers.0.moe.broadcast_in_dim_2, FLOAT : (tensor<48x9x9xf32>, tensor<48x9x9xf32>) -> tensor<48x9x9xi1>
    %layers.0.moe.iota_2 = stablehlo.iota dim = 2 : tensor<48x9x9xi32>
    %layers.0.moe.iota_3 = stablehlo.iota dim = 1 : tensor<48x9x9xi32>
    %layers.0.moe.compare_3 = stablehlo.compare LT, %layers.0.moe.iota_2, %layers.0.moe.iota_3, SIGNED : (tensor<48x9x9xi32>, tensor<48x9x9xi32>) -> tensor<48x9x9xi1>
    %layers.0.moe.and = stablehlo.and %layers.0.moe.compare_2, %layers.0.moe.compare_3 : tensor<48x9x9xi1>
    %layers.0.moe.or = stablehlo.or %layers.0.moe.compare, %layers.0.moe.and : tensor<48x9x9xi1>
    %layers.0.moe.convert_3 = stablehlo.convert %layers.0.moe.or : (tensor<48x9x9xi1>) -> tensor<48x9x9xi32>
    %layers.0.moe.constant = stablehlo.constant dense<0> : tensor<i32>
    %layers.0.moe.rank = stablehlo.reduce(%layers.0.moe.convert_3 init: %layers.0.moe.constant) applies stablehlo.add across dimensions = [2] : (tensor<48x9x9xi32>, tensor<i32>) -> tensor<48x9xi32>
    %layers.0.moe.constant_2 = stablehlo.constant dense<0> : tensor<48x9xi32>
    %layers.0.moe.compare_4 = stablehlo.compare EQ, %layers.0.moe.rank, %layers.0.moe.constant_2, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %layers.0.moe.constant_3 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %layers.0.moe.select = stablehlo.select %layers.0.moe.compare_4, %layers.0.moe.convert_2, %layers.0.moe.constant_3 : tensor<48x9xi1>, tensor<48x9xf32>
    %layers.0.moe.constant_4 = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.0.moe.reduce_2 = stablehlo.reduce(%layers.0.moe.select init: %layers.0.moe.constant_4) applies stablehlo.add across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %layers.0.moe.constant_5 = stablehlo.constant dense<1> : tensor<48x9xi32>
    %layers.0.moe.compare_5 = stablehlo.compare EQ, %layers.0.moe.rank, %layers.0.moe.constant_5, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %layers.0.moe.constant_6 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %layers.0.moe.select_2 = stablehlo.select %layers.0.moe.compare_5, %layers.0.moe.convert_2, %layers.0.moe.constant_6 : tensor<48x9xi1>, tensor<48x9xf32>
    %layers.0.moe.constant_7 = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.0.moe.reduce_3 = stablehlo.reduce(%layers.0.moe.select_2 init: %layers.0.moe.constant_7) applies stablehlo.add across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %layers.0.moe.convert_4 = stablehlo.convert %layers.0.moe.reduce_2 : (tensor<48xf32>) -> tensor<48xi32>
    %layers.0.moe.convert_5 = stablehlo.convert %layers.0.moe.reduce_3 : (tensor<48xf32>) -> tensor<48xi32>
    %layers.0.moe.constant_8 = stablehlo.constant dense<0> : tensor<48x9xi32>
    %layers.0.moe.compare_6 = stablehlo.compare EQ, %layers.0.moe.rank, %layers.0.moe.constant_8, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %layers.0.moe.constant_9 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %layers.0.moe.select_3 = stablehlo.select %layers.0.moe.compare_6, %layers.0.moe.router, %layers.0.moe.constant_9 : tensor<48x9xi1>, tensor<48x9xf32>
    %layers.0.moe.constant_10 = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.0.moe.reduce_4 = stablehlo.reduce(%layers.0.moe.select_3 init: %layers.0.moe.constant_10) applies stablehlo.add across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %layers.0.moe.constant_11 = stablehlo.constant dense<1> : tensor<48x9xi32>
    %layers.0.moe.compare_7 = stablehlo.compare EQ, %layers.0.moe.rank, %layers.0.moe.constant_11, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %layers.0.moe.constant_12 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %layers.0.moe.select_4 = stablehlo.select %layers.0.moe.compare_7, %layers.0.moe.router, %layers.0.moe.constant_12 : tensor<48x9xi1>, tensor<48x9xf32>
    %layers.0.moe.constant_13 = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.0.moe.reduce_5 = stablehlo.reduce(%layers.0.moe.select_4 init: %layers.0.moe.constant_13) applies stablehlo.add across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %layers.0.moe.subtract = stablehlo.subtract %layers.0.moe.reduce_4, %layers.0.moe.reduce_4 : tensor<48xf32>
    %layers.0.moe.exponential = stablehlo.exponential %layers.0.moe.subtract : tensor<48xf32>
    %layers.0.moe.subtract_2 = stablehlo.subtract %layers.0.moe.reduce_5, %layers.0.moe.reduce_4 : tensor<48xf32>
    %layers.0.moe.exponential_2 = stablehlo.exponential %layers.0.moe.subtract_2 : tensor<48xf32>
    %layers.0.moe.add_2 = stablehlo.add %layers.0.moe.exponential, %layers.0.moe.exponential_2 : tensor<48xf32>
    %layers.0.moe.divide = stablehlo.divide %layers.0.moe.exponential, %layers.0.moe.add_2 : tensor<48xf32>
    %layers.0.moe.divide_2 = stablehlo.divide %layers.0.moe.exponential_2, %layers.0.moe.add_2 : tensor<48xf32>
    %layers.0.moe.constant_14 = stablehlo.constant dense<2> : tensor<48x9xi32>
    %layers.0.moe.compare_8 = stablehlo.compare LT, %layers.0.moe.rank, %layers.0.moe.constant_14, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %layers.0.moe.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %layers.0.moe.reduce_4, dims = [0] : (tensor<48xf32>) -> tensor<48x9xf32>
    %layers.0.moe.subtract_3 = stablehlo.subtract %layers.0.moe.router, %layers.0.moe.broadcast_in_dim_4 : tensor<48x9xf32>
    %layers.0.moe.exponential_3 = stablehlo.exponential %layers.0.moe.subtract_3 : tensor<48x9xf32>
    %layers.0.moe.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %layers.0.moe.add_2, dims = [0] : (tensor<48xf32>) -> tensor<48x9xf32>
    %layers.0.moe.divide_3 = stablehlo.divide %layers.0.moe.exponential_3, %layers.0.moe.broadcast_in_dim_5 : tensor<48x9xf32>
    %layers.0.moe.constant_15 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %layers.0.moe.select_5 = stablehlo.select %layers.0.moe.compare_8, %layers.0.moe.divide_3, %layers.0.moe.constant_15 : tensor<48x9xi1>, tensor<48x9xf32>
    %layers.0.moe.convert_6 = stablehlo.convert %layers.0.moe.compare_8 : (tensor<48x9xi1>) -> tensor<48x9xf32>
    %layers.0.moe.iota_4 = stablehlo.iota dim = 0 : tensor<48xi32>
    %layers.0.moe.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %count, dims = [] : (tensor<i32>) -> tensor<48xi32>
    %layers.0.moe.compare_9 = stablehlo.compare LT, %layers.0.moe.iota_4, %layers.0.moe.broadcast_in_dim_6, SIGNED : (tensor<48xi32>, tensor<48xi32>) -> tensor<48xi1>
    %layers.0.moe.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %layers.0.moe.compare_9, dims = [0] : (tensor<48xi1>) -> tensor<48x9xi1>
    %layers.0.moe.constant_16 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %layers.0.moe.select_6 = stablehlo.select %layers.0.moe.broadcast_in_dim_7, %layers.0.moe.select_5, %layers.0.moe.constant_16 : tensor<48x9xi1>, tensor<48x9xf32>
    %layers.0.moe.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %layers.0.moe.compare_9, dims = [0] : (tensor<48xi1>) -> tensor<48x9xi1>
    %layers.0.moe.constant_17 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %layers.0.moe.select_7 = stablehlo.select %layers.0.moe.broadcast_in_dim_8, %layers.0.moe.convert_6, %layers.0.moe.constant_17 : tensor<48x9xi1>, tensor<48x9xf32>
    %layers.0.moe.slice = stablehlo.slice %layers.0.moe.norm.multiply_3 [0:48, 0:416] : (tensor<48x416xf32>) -> tensor<48x416xf32>
    %layers.0.moe.convert_7 = stablehlo.convert %layers.0.moe.slice : (tensor<48x416xf32>) -> tensor<48x416xbf16>
    %layers.0.moe.convert_8 = stablehlo.convert %layers.0.moe.gate_up.weight : (tensor<1x9x1216x416xf8E4M3FN>) -> tensor<1x9x1216x416xbf16>
    %layers.0.moe.dot_general_2 = stablehlo.dot_general %layers.0.moe.convert_7, %layers.0.moe.convert_8, contracting_dims = [1] x [3] : (tensor<48x416xbf16>, tensor<1x9x1216x416xbf16>) -> tensor<48x1x9x1216xf32>
    %layers.0.moe.transpose = stablehlo.transpose %layers.0.moe.dot_general_2, dims = [0, 2, 1, 3] : (tensor<48x1x9x1216xf32>) -> tensor<48x9x1x1216xf32>
    %layers.0.moe.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %layers.0.moe.gate_up.scales, dims = [2, 1, 3] : (tensor<1x9x1216xf32>) -> tensor<48x9x1x1216xf32>
    %layers.0.moe.multiply = stablehlo.multiply %layers.0.moe.transpose, %layers.0.moe.broadcast_in_dim_9 : tensor<48x9x1x1216xf32>
    %layers.0.moe.broadcast_in_dim_10 = stablehlo.broadcast_in_dim %layers.0.moe.gate_up.bias, dims = [2, 1, 3] : (tensor<1x9x1216xf32>) -> tensor<48x9x1x1216xf32>
    %layers.0.moe.add_3 = stablehlo.add %layers.0.moe.multiply, %layers.0.moe.broadcast_in_dim_10 : tensor<48x9x1x1216xf32>
    %layers.0.moe.reshape = stablehlo.reshape %layers.0.moe.add_3 : (tensor<48x9x1x1216xf32>) -> tensor<432x1x1216xf32>
    %layers.0.moe.slice_2 = stablehlo.slice %layers.0.moe.reshape [0:432, 0:1, 0:608] : (tensor<432x1x1216xf32>) -> tensor<432x1x608xf32>
    %layers.0.moe.slice_3 = stablehlo.slice %layers.0.moe.reshape [0:432, 0:1, 608:1216] : (tensor<432x1x1216xf32>) -> tensor<432x1x608xf32>
    %layers.0.moe.constant_18 = stablehlo.constant dense<7.0> : tensor<432x1x608xf32>
    %layers.0.moe.minimum = stablehlo.minimum %layers.0.moe.slice_2, %layers.0.moe.constant_18 : tensor<432x1x608xf32>
    %layers.0.moe.constant_19 = stablehlo.constant dense<7.0> : tensor<432x1x608xf32>
    %layers.0.moe.minimum_2 = stablehlo.minimum %layers.0.moe.slice_3, %layers.0.moe.constant_19 : tensor<432x1x608xf32>
    %layers.0.moe.constant_20 = stablehlo.constant dense<-7.0> : tensor<432x1x608xf32>
    %layers.0.moe.maximum = stablehlo.maximum %layers.0.moe.minimum_2, %layers.0.moe.constant_20 : tensor<432x1x608xf32>
    %layers.0.moe.constant_21 = stablehlo.constant dense<1.702> : tensor<432x1x608xf32>
    %layers.0.moe.multiply_2 = stablehlo.multiply %layers.0.moe.minimum, %layers.0.moe.constant_21 : tensor<432x1x608xf32>
    %layers.0.moe.logistic = stablehlo.logistic %layers.0.moe.multiply_2 : tensor<432x1x608xf32>
    %layers.0.moe.multiply_3 = stablehlo.multiply %layers.0.moe.minimum, %layers.0.moe.logistic : tensor<432x1x608xf32>
    %layers.0.moe.constant_22 = stablehlo.constant dense<1.0> : tensor<432x1x608xf32>
    %layers.0.moe.add_4 = stablehlo.add %layers.0.moe.maximum, %layers.0.moe.constant_22 : tensor<432x1x608xf32>
    %layers.0.moe.multiply_4 = stablehlo.multiply %layers.0.moe.multiply_3, %layers.0.moe.add_4 : tensor<432x1x608xf32>
    %layers.0.moe.convert_9 = stablehlo.convert %layers.0.moe.multiply_4 : (tensor<432x1x608xf32>) -> tensor<432x1x608xbf16>
    %layers.0.moe.reshape_2 = stablehlo.reshape %layers.0.moe.convert_9 : (tensor<432x1x608xbf16>) -> tensor<48x9x1x608xbf16>
    %layers.0.moe.convert_10 = stablehlo.convert %layers.0.moe.down.weight : (tensor<1x9x416x608xf8E4M3FN>) -> tensor<1x9x416x608xbf16>
    %layers.0.moe.dot_general_3 = stablehlo.dot_general %layers.0.moe.reshape_2, %layers.0.moe.convert_10, batching_dims = [1, 2] x [1, 0], contracting_dims = [3] x [3] : (tensor<48x9x1x608xbf16>, tensor<1x9x416x608xbf16>) -> tensor<9x1x48x416xf32>
    %layers.0.moe.transpose_2 = stablehlo.transpose %layers.0.moe.dot_general_3, dims = [2, 0, 1, 3] : (tensor<9x1x48x416xf32>) -> tensor<48x9x1x416xf32>
    %layers.0.moe.broadcast_in_dim_11 = stablehlo.broadcast_in_dim %layers.0.moe.down.scales, dims = [2, 1, 3] : (tensor<1x9x416xf32>) -> tensor<48x9x1x416xf32>
    %layers.0.moe.multiply_5 = stablehlo.multiply %layers.0.moe.transpose_2, %layers.0.moe.broadcast_in_dim_11 : tensor<48x9x1x416xf32>
    %layers.0.moe.broadcast_in_dim_12 = stablehlo.broadcast_in_dim %layers.0.moe.select_6, dims = [0, 1] : (tensor<48x9xf32>) -> tensor<48x9x1x416xf32>
    %layers.0.moe.constant_23 = stablehlo.constant dense<0.0> : tensor<48x9x1x416xf32>
    %layers.0.moe.compare_10 = stablehlo.compare GT, %layers.0.moe.broadcast_in_dim_12, %layers.0.moe.constant_23, FLOAT : (tensor<48x9x1x416xf32>, tensor<48x9x1x416xf32>) -> tensor<48x9x1x416xi1>
    %layers.0.moe.multiply_6 = stablehlo.multiply %layers.0.moe.multiply_5, %layers.0.moe.broadcast_in_dim_12 : tensor<48x9x1x416xf32>
    %layers.0.moe.constant_24 = stablehlo.constant dense<0.0> : tensor<48x9x1x416xf32>
    %layers.0.moe.select_8 = stablehlo.select %layers.0.moe.compare_10, %layers.0.moe.multiply_6, %layers.0.moe.constant_24 : tensor<48x9x1x416xi1>, tensor<48x9x1x416xf32>
    %layers.0.moe.constant_25 = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.0.moe.reduce_6 = stablehlo.reduce(%layers.0.moe.select_8 init: %layers.0.moe.constant_25) applies stablehlo.add across dimensions = [1] : (tensor<48x9x1x416xf32>, tensor<f32>) -> tensor<48x1x416xf32>
    %layers.0.moe.slice_4 = stablehlo.slice %layers.0.moe.reduce_6 [0:48, 0:1, 0:416] : (tensor<48x1x416xf32>) -> tensor<48x1x416xf32>
    %layers.0.moe.constant_26 = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.0.moe.reduce_7 = stablehlo.reduce(%layers.0.moe.slice_4 init: %layers.0.moe.constant_26) applies stablehlo.add across dimensions = [1] : (tensor<48x1x416xf32>, tensor<f32>) -> tensor<48x416xf32>
    %layers.0.moe.dot_general_4 = stablehlo.dot_general %layers.0.moe.select_6, %layers.0.moe.down.bias, contracting_dims = [1] x [0], precision = [HIGHEST, HIGHEST] : (tensor<48x9xf32>, tensor<9x416xf32>) -> tensor<48x416xf32>
    %layers.0.moe.add_5 = stablehlo.add %layers.0.moe.reduce_7, %layers.0.moe.dot_general_4 : tensor<48x416xf32>
    %layers.0.add_2 = stablehlo.add %layers.0.add, %layers.0.moe.add_5 : tensor<48x416xf32>
    %layers.1.attention.norm.multiply = stablehlo.multiply %layers.0.add_2, %layers.0.add_2 : tensor<48x416xf32>
    %layers.1.attention.norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.1.attention.norm.reduce = stablehlo.reduce(%layers.1.attention.norm.multiply init: %layers.1.attention.norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<48x416xf32>, tensor<f32>) -> tensor<48xf32>
    %layers.1.attention.norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<48xf32>
    %layers.1.attention.norm.divide = stablehlo.divide %layers.1.attention.norm.reduce, %layers.1.attention.norm.constant_2 : tensor<48xf32>
    %layers.1.attention.norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<48xf32>
    %layers.1.attention.norm.add = stablehlo.add %layers.1.attention.norm.divide, %layers.1.attention.norm.constant_3 : tensor<48xf32>
    %layers.1.attention.norm.rsqrt = stablehlo.rsqrt %layers.1.attention.norm.add : tensor<48xf32>
    %layers.1.attention.norm.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.1.attention.norm.rsqrt, dims = [0] : (tensor<48xf32>) -> tensor<48x416xf32>
    %layers.1.attention.norm.multiply_2 = stablehlo.multiply %layers.0.add_2, %layers.1.attention.norm.broadcast_in_dim : tensor<48x416xf32>
    %layers.1.attention.norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.1.attention.norm, dims = [1] : (tensor<416xf32>) -> tensor<48x416xf32>
    %layers.1.attention.norm.multiply_3 = stablehlo.multiply %layers.1.attention.norm.multiply_2, %layers.1.attention.norm.broadcast_in_dim_2 : tensor<48x416xf32>
    %layers.1.attention.convert = stablehlo.convert %layers.1.attention.norm.multiply_3 : (tensor<48x416xf32>) -> tensor<48x416xbf16>
    %layers.1.attention.dot_general = stablehlo.dot_general %layers.1.attention.convert, %layers.1.attention.qkv.weight, contracting_dims = [1] x [1] : (tensor<48x416xbf16>, tensor<1680x416xbf16>) -> tensor<48x1680xf32>
    %layers.1.attention.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.1.attention.qkv.bias, dims = [1] : (tensor<1680xf32>) -> tensor<48x1680xf32>
    %layers.1.attention.add = stablehlo.add %layers.1.attention.dot_general, %layers.1.attention.broadcast_in_dim : tensor<48x1680xf32>
    %layers.1.attention.reshape = stablehlo.reshape %layers.1.attention.add : (tensor<48x1680xf32>) -> tensor<48x12x5x28xf32>
    %layers.1.attention.slice = stablehlo.slice %layers.1.attention.reshape [0:48, 0:12, 0:3, 0:28] : (tensor<48x12x5x28xf32>) -> tensor<48x12x3x28xf32>
    %layers.1.attention.slice_2 = stablehlo.slice %layers.1.attention.slice [0:48, 0:12, 0:3, 0:14] : (tensor<48x12x3x28xf32>) -> tensor<48x12x3x14xf32>
    %layers.1.attention.slice_3 = stablehlo.slice %layers.1.attention.slice [0:48, 0:12, 0:3, 14:28] : (tensor<48x12x3x28xf32>) -> tensor<48x12x3x14xf32>
    %layers.1.attention.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %rope.cos_2, dims = [0, 3] : (tensor<48x14xf32>) -> tensor<48x12x3x14xf32>
    %layers.1.attention.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %rope.sin_2, dims = [0, 3] : (tensor<48x14xf32>) -> tensor<48x12x3x14xf32>
    %layers.1.attention.multiply = stablehlo.multiply %layers.1.attention.slice_2, %layers.1.attention.broadcast_in_dim_2 : tensor<48x12x3x14xf32>
    %layers.1.attention.multiply_2 = stablehlo.multiply %layers.1.attention.slice_3, %layers.1.attention.broadcast_in_dim_3 : tensor<48x12x3x14xf32>
    %layers.1.attention.subtract = stablehlo.subtract %layers.1.attention.multiply, %layers.1.attention.multiply_2 : tensor<48x12x3x14xf32>
    %layers.1.attention.multiply_3 = stablehlo.multiply %layers.1.attention.slice_3, %layers.1.attention.broadcast_in_dim_2 : tensor<48x12x3x14xf32>
    %layers.1.attention.multiply_4 = stablehlo.multiply %layers.1.attention.slice_2, %layers.1.attention.broadcast_in_dim_3 : tensor<48x12x3x14xf32>
    %layers.1.attention.add_2 = stablehlo.add %layers.1.attention.multiply_3, %layers.1.attention.multiply_4 : tensor<48x12x3x14xf32>
    %layers.1.attention.concatenate = stablehlo.concatenate %layers.1.attention.subtract, %layers.1.attention.add_2, dim = 3 : (tensor<48x12x3x14xf32>, tensor<48x12x3x14xf32>) -> tensor<48x12x3x28xf32>
    %layers.1.attention.convert_2 = stablehlo.convert %layers.1.attention.concatenate : (tensor<48x12x3x28xf32>) -> tensor<48x12x3x28xbf16>
    %layers.1.attention.queries = stablehlo.reshape %layers.1.attention.convert_2 : (tensor<48x12x3x28xbf16>) -> tensor<1x48x12x3x28xbf16>
    %layers.1.attention.keys.slice = stablehlo.slice %layers.1.attention.reshape [0:48, 0:12, 3:4, 0:28] : (tensor<48x12x5x28xf32>) -> tensor<48x12x1x28xf32>
    %layers.1.attention.keys.slice_2 = stablehlo.slice %layers.1.attention.keys.slice [0:48, 0:12, 0:1, 0:14] : (tensor<48x12x1x28xf32>) -> tensor<48x12x1x14xf32>
    %layers.1.attention.keys.slice_3 = stablehlo.slice %layers.1.attention.keys.slice [0:48, 0:12, 0:1, 14:28] : (tensor<48x12x1x28xf32>) -> tensor<48x12x1x14xf32>
    %layers.1.attention.keys.broadcast_in_dim = stablehlo.broadcast_in_dim %rope.cos_2, dims = [0, 3] : (tensor<48x14xf32>) -> tensor<48x12x1x14xf32>
    %layers.1.attention.keys.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %rope.sin_2, dims = [0, 3] : (tensor<48x14xf32>) -> tensor<48x12x1x14xf32>
    %layers.1.attention.keys.multiply = stablehlo.multiply %layers.1.attention.keys.slice_2, %layers.1.attention.keys.broadcast_in_dim : tensor<48x12x1x14xf32>
    %layers.1.attention.keys.multiply_2 = stablehlo.multiply %layers.1.attention.keys.slice_3, %layers.1.attention.keys.broadcast_in_dim_2 : tensor<48x12x1x14xf32>
    %layers.1.attention.keys.subtract = stablehlo.subtract %layers.1.attention.keys.multiply, %layers.1.attention.keys.multiply_2 : tensor<48x12x1x14xf32>
    %layers.1.attention.keys.multiply_3 = stablehlo.multiply %layers.1.attention.keys.slice_3, %layers.1.attention.keys.broadcast_in_dim : tensor<48x12x1x14xf32>
    %layers.1.attention.keys.multiply_4 = stablehlo.multiply %layers.1.attention.keys.slice_2, %layers.1.attention.keys.broadcast_in_dim_2 : tensor<48x12x1x14xf32>
    %layers.1.attention.keys.add = stablehlo.add %layers.1.attention.keys.multiply_3, %layers.1.attention.keys.multiply_4 : tensor<48x12x1x14xf32>
    %layers.1.attention.keys.concatenate = stablehlo.concatenate %layers.1.attention.keys.subtract, %layers.1.attention.keys.add, dim = 3 : (tensor<48x12x1x14xf32>, tensor<48x12x1x14xf32>) -> tensor<48x12x1x28xf32>
    %layers.1.attention.keys.reshape = stablehlo.reshape %layers.1.attention.keys.concatenate : (tensor<48x12x1x28xf32>) -> tensor<1x48x12x28xf32>
    %layers.1.attention.keys.transpose = stablehlo.transpose %layers.1.attention.keys.reshape, dims = [0, 2, 1, 3] : (tensor<1x48x12x28xf32>) -> tensor<1x12x48x28xf32>
    %layers.1.attention.keys.convert = stablehlo.convert %layers.1.attention.keys.transpose : (tensor<1x12x48x28xf32>) -> tensor<1x12x48x28xbf16>
    %layers.1.attention.values.slice = stablehlo.slice %layers.1.attention.reshape [0:48, 0:12, 4:5, 0:28] : (tensor<48x12x5x28xf32>) -> tensor<48x12x1x28xf32>
    %layers.1.attention.values.reshape = stablehlo.reshape %layers.1.attention.values.slice : (tensor<48x12x1x28xf32>) -> tensor<1x48x12x28xf32>
    %layers.1.attention.values.transpose = stablehlo.transpose %layers.1.attention.values.reshape, dims = [0, 2, 1, 3] : (tensor<1x48x12x28xf32>) -> tensor<1x12x48x28xf32>
    %layers.1.attention.values.convert = stablehlo.convert %layers.1.attention.values.transpose : (tensor<1x12x48x28xf32>) -> tensor<1x12x48x28xbf16>
    %layers.1.attention.iota = stablehlo.iota dim = 0 : tensor<48xi32>
    %layers.1.attention.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %start, dims = [] : (tensor<i32>) -> tensor<48xi32>
    %layers.1.attention.add_3 = stablehlo.add %layers.1.attention.iota, %layers.1.attention.broadcast_in_dim_4 : tensor<48xi32>
    %layers.1.attention.reshape_3 = stablehlo.reshape %layers.1.attention.add_3 : (tensor<48xi32>) -> tensor<1x48xi32>
    %layers.1.attention.constant = stablehlo.constant dense<0> : tensor<i32>
    %layers.1.attention.dynamic_update_slice = stablehlo.dynamic_update_slice %cache.1.keys, %layers.1.attention.keys.convert, %sequence, %layers.1.attention.constant, %start, %layers.1.attention.constant : (tensor<1x12x1024x28xbf16>, tensor<1x12x48x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x1024x28xbf16>
    %layers.1.attention.constant_2 = stablehlo.constant dense<0> : tensor<i32>
    %layers.1.attention.dynamic_update_slice_2 = stablehlo.dynamic_update_slice %cache.1.values, %layers.1.attention.values.convert, %sequence, %layers.1.attention.constant_2, %start, %layers.1.attention.constant_2 : (tensor<1x12x1024x28xbf16>, tensor<1x12x48x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x1024x28xbf16>
    %layers.1.attention.custom_call = stablehlo.custom_call @LayoutConstraint(%layers.1.attention.dynamic_update_slice) {operand_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>]} : (tensor<1x12x1024x28xbf16>) -> tensor<1x12x1024x28xbf16>
    %layers.1.attention.custom_call_2 = stablehlo.custom_call @LayoutConstraint(%layers.1.attention.dynamic_update_slice_2) {operand_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>]} : (tensor<1x12x1024x28xbf16>) -> tensor<1x12x1024x28xbf16>
    %layers.1.attention.slice_4 = stablehlo.slice %layers.1.attention.queries [0:1, 0:48, 0:12, 0:3, 0:28] : (tensor<1x48x12x3x28xbf16>) -> tensor<1x48x12x3x28xbf16>
    %layers.1.attention.slice_5 = stablehlo.slice %layers.1.attention.reshape_3 [0:1, 0:48] : (tensor<1x48xi32>) -> tensor<1x48xi32>
    %layers.1.attention.reshape_4 = stablehlo.reshape %layers.1.attention.sinks : (tensor<36xf32>) -> tensor<12x3xf32>
    %layers.1.attention.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %layers.1.attention.reshape_4, dims = [1, 3] : (tensor<12x3xf32>) -> tensor<1x12x48x3xf32>
    %layers.1.attention.constant_3 = stablehlo.constant dense<0.0> : tensor<1x12x48x3x28xf32>
    %layers.1.attention.constant_4 = stablehlo.constant dense<1.0> : tensor<1x12x48x3x1xf32>
    %layers.1.attention.concatenate_2 = stablehlo.concatenate %layers.1.attention.constant_3, %layers.1.attention.constant_4, dim = 4 : (tensor<1x12x48x3x28xf32>, tensor<1x12x48x3x1xf32>) -> tensor<1x12x48x3x29xf32>
    %layers.1.attention.constant_5 = stablehlo.constant dense<-2147483648> : tensor<i32>
    %layers.1.attention.reduce = stablehlo.reduce(%layers.1.attention.slice_5 init: %layers.1.attention.constant_5) applies stablehlo.maximum across dimensions = [0, 1] : (tensor<1x48xi32>, tensor<i32>) -> tensor<i32>
    %layers.1.attention.constant_6 = stablehlo.constant dense<0> : tensor<i32>
    %layers.1.attention.while:3 = "stablehlo.while"(%layers.1.attention.constant_6, %layers.1.attention.broadcast_in_dim_5, %layers.1.attention.concatenate_2) ({
    ^bb0(%layers.1.attention.arg: tensor<i32>, %layers.1.attention.arg_2: tensor<1x12x48x3xf32>, %layers.1.attention.arg_3: tensor<1x12x48x3x29xf32>):
      %layers.1.attention.compare = stablehlo.compare LE, %layers.1.attention.arg, %layers.1.attention.reduce, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %layers.1.attention.compare : tensor<i1>
    }, {
    ^bb0(%layers.1.attention.arg_4: tensor<i32>, %layers.1.attention.arg_5: tensor<1x12x48x3xf32>, %layers.1.attention.arg_6: tensor<1x12x48x3x29xf32>):
      %layers.1.attention.iota_2 = stablehlo.iota dim = 2 : tensor<1x48x512xi32>
      %layers.1.attention.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %layers.1.attention.arg_4, dims = [] : (tensor<i32>) -> tensor<1x48x512xi32>
      %layers.1.attention.add_4 = stablehlo.add %layers.1.attention.iota_2, %layers.1.attention.broadcast_in_dim_6 : tensor<1x48x512xi32>
      %layers.1.attention.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %layers.1.attention.slice_5, dims = [0, 1] : (tensor<1x48xi32>) -> tensor<1x48x512xi32>
      %layers.1.attention.compare_2 = stablehlo.compare LE, %layers.1.attention.add_4, %layers.1.attention.broadcast_in_dim_7, SIGNED : (tensor<1x48x512xi32>, tensor<1x48x512xi32>) -> tensor<1x48x512xi1>
      %layers.1.attention.constant_7 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.attention.dynamic_slice = stablehlo.dynamic_slice %layers.1.attention.custom_call, %sequence, %layers.1.attention.constant_7, %layers.1.attention.arg_4, %layers.1.attention.constant_7, sizes = [1, 12, 512, 28] : (tensor<1x12x1024x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x512x28xbf16>
      %layers.1.attention.custom_call_3 = stablehlo.custom_call @LayoutConstraint(%layers.1.attention.dynamic_slice) {operand_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>]} : (tensor<1x12x512x28xbf16>) -> tensor<1x12x512x28xbf16>
      %layers.1.attention.constant_8 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.attention.dynamic_slice_2 = stablehlo.dynamic_slice %layers.1.attention.custom_call_2, %sequence, %layers.1.attention.constant_8, %layers.1.attention.arg_4, %layers.1.attention.constant_8, sizes = [1, 12, 512, 28] : (tensor<1x12x1024x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x512x28xbf16>
      %layers.1.attention.custom_call_4 = stablehlo.custom_call @LayoutConstraint(%layers.1.attention.dynamic_slice_2) {operand_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>]} : (tensor<1x12x512x28xbf16>) -> tensor<1x12x512x28xbf16>
      %layers.1.attention.dot_general_2 = stablehlo.dot_general %layers.1.attention.slice_4, %layers.1.attention.custom_call_3, batching_dims = [0, 2] x [0, 1], contracting_dims = [4] x [3] : (tensor<1x48x12x3x28xbf16>, tensor<1x12x512x28xbf16>) -> tensor<1x12x48x3x512xf32>
      %layers.1.attention.constant_9 = stablehlo.constant dense<1.8898223e-1> : tensor<1x12x48x3x512xf32>
      %layers.1.attention.multiply_5 = stablehlo.multiply %layers.1.attention.dot_general_2, %layers.1.attention.constant_9 : tensor<1x12x48x3x512xf32>
      %layers.1.attention.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %layers.1.attention.compare_2, dims = [0, 2, 4] : (tensor<1x48x512xi1>) -> tensor<1x12x48x3x512xi1>
      %layers.1.attention.constant_10 = stablehlo.constant dense<0xFF800000> : tensor<1x12x48x3x512xf32>
      %layers.1.attention.scores = stablehlo.select %layers.1.attention.broadcast_in_dim_8, %layers.1.attention.multiply_5, %layers.1.attention.constant_10 : tensor<1x12x48x3x512xi1>, tensor<1x12x48x3x512xf32>
      %layers.1.attention.constant_11 = stablehlo.constant dense<0xFF800000> : tensor<f32>
      %layers.1.attention.reduce_2 = stablehlo.reduce(%layers.1.attention.scores init: %layers.1.attention.constant_11) applies stablehlo.maximum across dimensions = [4] : (tensor<1x12x48x3x512xf32>, tensor<f32>) -> tensor<1x12x48x3xf32>
      %layers.1.attention.maximum = stablehlo.maximum %layers.1.attention.arg_5, %layers.1.attention.reduce_2 : tensor<1x12x48x3xf32>
      %layers.1.attention.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %layers.1.attention.maximum, dims = [0, 1, 2, 3] : (tensor<1x12x48x3xf32>) -> tensor<1x12x48x3x512xf32>
      %layers.1.attention.subtract_2 = stablehlo.subtract %layers.1.attention.scores, %layers.1.attention.broadcast_in_dim_9 : tensor<1x12x48x3x512xf32>
      %layers.1.attention.weight = stablehlo.exponential %layers.1.attention.subtract_2 : tensor<1x12x48x3x512xf32>
      %layers.1.attention.subtract_3 = stablehlo.subtract %layers.1.attention.arg_5, %layers.1.attention.maximum : tensor<1x12x48x3xf32>
      %layers.1.attention.exponential_2 = stablehlo.exponential %layers.1.attention.subtract_3 : tensor<1x12x48x3xf32>
      %layers.1.attention.constant_12 = stablehlo.constant dense<1.0> : tensor<1x12x512x1xbf16>
      %layers.1.attention.concatenate_3 = stablehlo.concatenate %layers.1.attention.custom_call_4, %layers.1.attention.constant_12, dim = 3 : (tensor<1x12x512x28xbf16>, tensor<1x12x512x1xbf16>) -> tensor<1x12x512x29xbf16>
      %layers.1.attention.convert_3 = stablehlo.convert %layers.1.attention.weight : (tensor<1x12x48x3x512xf32>) -> tensor<1x12x48x3x512xbf16>
      %layers.1.attention.dot_general_3 = stablehlo.dot_general %layers.1.attention.convert_3, %layers.1.attention.concatenate_3, batching_dims = [0, 1] x [0, 1], contracting_dims = [4] x [2] : (tensor<1x12x48x3x512xbf16>, tensor<1x12x512x29xbf16>) -> tensor<1x12x48x3x29xf32>
      %layers.1.attention.broadcast_in_dim_10 = stablehlo.broadcast_in_dim %layers.1.attention.exponential_2, dims = [0, 1, 2, 3] : (tensor<1x12x48x3xf32>) -> tensor<1x12x48x3x29xf32>
      %layers.1.attention.multiply_6 = stablehlo.multiply %layers.1.attention.arg_6, %layers.1.attention.broadcast_in_dim_10 : tensor<1x12x48x3x29xf32>
      %layers.1.attention.add_5 = stablehlo.add %layers.1.attention.multiply_6, %layers.1.attention.dot_general_3 : tensor<1x12x48x3x29xf32>
      %layers.1.attention.constant_13 = stablehlo.constant dense<512> : tensor<i32>
      %layers.1.attention.add_6 = stablehlo.add %layers.1.attention.arg_4, %layers.1.attention.constant_13 : tensor<i32>
      stablehlo.return %layers.1.attention.add_6, %layers.1.attention.maximum, %layers.1.attention.add_5 : tensor<i32>, tensor<1x12x48x3xf32>, tensor<1x12x48x3x29xf32>
    }) {mhlo.frontend_attributes = {precast_trips = "2"}} : (tensor<i32>, tensor<1x12x48x3xf32>, tensor<1x12x48x3x29xf32>) -> (tensor<i32>, tensor<1x12x48x3xf32>, tensor<1x12x48x3x29xf32>)
    %layers.1.attention.slice_6 = stablehlo.slice %layers.1.attention.while#2 [0:1, 0:12, 0:48, 0:3, 28:29] : (tensor<1x12x48x3x29xf32>) -> tensor<1x12x48x3x1xf32>
    %layers.1.attention.reshape_5 = stablehlo.reshape %layers.1.attention.slice_6 : (tensor<1x12x48x3x1xf32>) -> tensor<1x12x48x3xf32>
    %layers.1.attention.slice_7 = stablehlo.slice %layers.1.attention.while#2 [0:1, 0:12, 0:48, 0:3, 0:28] : (tensor<1x12x48x3x29xf32>) -> tensor<1x12x48x3x28xf32>
    %layers.1.attention.broadcast_in_dim_11 = stablehlo.broadcast_in_dim %layers.1.attention.reshape_5, dims = [0, 1, 2, 3] : (tensor<1x12x48x3xf32>) -> tensor<1x12x48x3x28xf32>
    %layers.1.attention.divide = stablehlo.divide %layers.1.attention.slice_7, %layers.1.attention.broadcast_in_dim_11 : tensor<1x12x48x3x28xf32>
    %layers.1.attention.transpose = stablehlo.transpose %layers.1.attention.divide, dims = [0, 2, 1, 3, 4] : (tensor<1x12x48x3x28xf32>) -> tensor<1x48x12x3x28xf32>
    %layers.1.attention.concatenate_4 = stablehlo.concatenate %layers.1.attention.transpose, dim = 1 : (tensor<1x48x12x3x28xf32>) -> tensor<1x48x12x3x28xf32>
    %layers.1.attention.attended = stablehlo.reshape %layers.1.attention.concatenate_4 : (tensor<1x48x12x3x28xf32>) -> tensor<48x1008xf32>
    %layers.1.attention.convert_4 = stablehlo.convert %layers.1.attention.attended : (tensor<48x1008xf32>) -> tensor<48x1008xbf16>
    %layers.1.attention.dot_general_4 = stablehlo.dot_general %layers.1.attention.convert_4, %layers.1.attention.out.weight, contracting_dims = [1] x [1] : (tensor<48x1008xbf16>, tensor<416x1008xbf16>) -> tensor<48x416xf32>
    %layers.1.attention.broadcast_in_dim_12 = stablehlo.broadcast_in_dim %layers.1.attention.out.bias, dims = [1] : (tensor<416xf32>) -> tensor<48x416xf32>
    %layers.1.attention.add_7 = stablehlo.add %layers.1.attention.dot_general_4, %layers.1.attention.broadcast_in_dim_12 : tensor<48x416xf32>
    %layers.1.add = stablehlo.add %layers.0.add_2, %layers.1.attention.add_7 : tensor<48x416xf32>
    %layers.1.moe.norm.multiply = stablehlo.multiply %layers.1.add, %layers.1.add : tensor<48x416xf32>
    %layers.1.moe.norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.1.moe.norm.reduce = stablehlo.reduce(%layers.1.moe.norm.multiply init: %layers.1.moe.norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<48x416xf32>, tensor<f32>) -> tensor<48xf32>
    %layers.1.moe.norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<48xf32>
    %layers.1.moe.norm.divide = stablehlo.divide %layers.1.moe.norm.reduce, %layers.1.moe.norm.constant_2 : tensor<48xf32>
    %layers.1.moe.norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<48xf32>
    %layers.1.moe.norm.add = stablehlo.add %layers.1.moe.norm.divide, %layers.1.moe.norm.constant_3 : tensor<48xf32>
    %layers.1.moe.norm.rsqrt = stablehlo.rsqrt %layers.1.moe.norm.add : tensor<48xf32>
    %layers.1.moe.norm.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.1.moe.norm.rsqrt, dims = [0] : (tensor<48xf32>) -> tensor<48x416xf32>
    %layers.1.moe.norm.multiply_2 = stablehlo.multiply %layers.1.add, %layers.1.moe.norm.broadcast_in_dim : tensor<48x416xf32>
    %layers.1.moe.norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.1.moe.norm, dims = [1] : (tensor<416xf32>) -> tensor<48x416xf32>
    %layers.1.moe.norm.multiply_3 = stablehlo.multiply %layers.1.moe.norm.multiply_2, %layers.1.moe.norm.broadcast_in_dim_2 : tensor<48x416xf32>
    %layers.1.moe.convert = stablehlo.convert %layers.1.moe.norm.multiply_3 : (tensor<48x416xf32>) -> tensor<48x416xbf16>
    %layers.1.moe.dot_general = stablehlo.dot_general %layers.1.moe.convert, %layers.1.moe.router.weight, contracting_dims = [1] x [1] : (tensor<48x416xbf16>, tensor<9x416xbf16>) -> tensor<48x9xf32>
    %layers.1.moe.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.1.moe.router.bias, dims = [1] : (tensor<9xf32>) -> tensor<48x9xf32>
    %layers.1.moe.router = stablehlo.add %layers.1.moe.dot_general, %layers.1.moe.broadcast_in_dim : tensor<48x9xf32>
    %layers.1.moe.iota = stablehlo.iota dim = 1 : tensor<48x9xi32>
    %layers.1.moe.convert_2 = stablehlo.convert %layers.1.moe.iota : (tensor<48x9xi32>) -> tensor<48x9xf32>
    %layers.1.moe.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.1.moe.router, dims = [0, 1] : (tensor<48x9xf32>) -> tensor<48x9x9xf32>
    %layers.1.moe.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %layers.1.moe.router, dims = [0, 2] : (tensor<48x9xf32>) -> tensor<48x9x9xf32>
    %layers.1.moe.compare = stablehlo.compare GT, %layers.1.moe.broadcast_in_dim_3, %layers.1.moe.broadcast_in_dim_2, FLOAT : (tensor<48x9x9xf32>, tensor<48x9x9xf32>) -> tensor<48x9x9xi1>
    %layers.1.moe.compare_2 = stablehlo.compare EQ, %layers.1.moe.broadcast_in_dim_3, %layers.1.moe.broadcast_in_dim_2, FLOAT : (tensor<48x9x9xf32>, tensor<48x9x9xf32>) -> tensor<48x9x9xi1>
    %layers.1.moe.iota_2 = stablehlo.iota dim = 2 : tensor<48x9x9xi32>
    %layers.1.moe.iota_3 = stablehlo.iota dim = 1 : tensor<48x9x9xi32>
    %layers.1.moe.compare_3 = stablehlo.compare LT, %layers.1.moe.iota_2, %layers.1.moe.iota_3, SIGNED : (tensor<48x9x9xi32>, tensor<48x9x9xi32>) -> tensor<48x9x9xi1>
    %layers.1.moe.and = stablehlo.and %layers.1.moe.compare_2, %layers.1.moe.compare_3 : tensor<48x9x9xi1>
    %layers.1.moe.or = stablehlo.or %layers.1.moe.compare, %layers.1.moe.and : tensor<48x9x9xi1>
    %layers.1.moe.convert_3 = stablehlo.convert %layers.1.moe.or : (tensor<48x9x9xi1>) -> tensor<48x9x9xi32>
    %layers.1.moe.constant = stablehlo.constant dense<0> : tensor<i32>
    %layers.1.moe.rank = stablehlo.reduce(%layers.1.moe.convert_3 init: %layers.1.moe.constant) applies stablehlo.add across dimensions = [2] : (tensor<48x9x9xi32>, tensor<i32>) -> tensor<48x9xi32>
    %layers.1.moe.constant_2 = stablehlo.constant dense<0> : tensor<48x9xi32>
    %layers.1.moe.compare_4 = stablehlo.compare EQ, %layers.1.moe.rank, %layers.1.moe.constant_2, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %layers.1.moe.constant_3 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %layers.1.moe.select = stablehlo.select %layers.1.moe.compare_4, %layers.1.moe.convert_2, %layers.1.moe.constant_3 : tensor<48x9xi1>, tensor<48x9xf32>
    %layers.1.moe.constant_4 = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.1.moe.reduce_2 = stablehlo.reduce(%layers.1.moe.select init: %layers.1.moe.constant_4) applies stablehlo.add across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %layers.1.moe.constant_5 = stablehlo.constant dense<1> : tensor<48x9xi32>
    %layers.1.moe.compare_5 = stablehlo.compare EQ, %layers.1.moe.rank, %layers.1.moe.constant_5, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %layers.1.moe.constant_6 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %layers.1.moe.select_2 = stablehlo.select %layers.1.moe.compare_5, %layers.1.moe.convert_2, %layers.1.moe.constant_6 : tensor<48x9xi1>, tensor<48x9xf32>
    %layers.1.moe.constant_7 = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.1.moe.reduce_3 = stablehlo.reduce(%layers.1.moe.select_2 init: %layers.1.moe.constant_7) applies stablehlo.add across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %layers.1.moe.convert_4 = stablehlo.convert %layers.1.moe.reduce_2 : (tensor<48xf32>) -> tensor<48xi32>
    %layers.1.moe.convert_5 = stablehlo.convert %layers.1.moe.reduce_3 : (tensor<48xf32>) -> tensor<48xi32>
    %layers.1.moe.constant_8 = stablehlo.constant dense<0> : tensor<48x9xi32>
    %layers.1.moe.compare_6 = stablehlo.compare EQ, %layers.1.moe.rank, %layers.1.moe.constant_8, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %layers.1.moe.constant_9 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %layers.1.moe.select_3 = stablehlo.select %layers.1.moe.compare_6, %layers.1.moe.router, %layers.1.moe.constant_9 : tensor<48x9xi1>, tensor<48x9xf32>
    %layers.1.moe.constant_10 = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.1.moe.reduce_4 = stablehlo.reduce(%layers.1.moe.select_3 init: %layers.1.moe.constant_10) applies stablehlo.add across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %layers.1.moe.constant_11 = stablehlo.constant dense<1> : tensor<48x9xi32>
    %layers.1.moe.compare_7 = stablehlo.compare EQ, %layers.1.moe.rank, %layers.1.moe.constant_11, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %layers.1.moe.constant_12 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %layers.1.moe.select_4 = stablehlo.select %layers.1.moe.compare_7, %layers.1.moe.router, %layers.1.moe.constant_12 : tensor<48x9xi1>, tensor<48x9xf32>
    %layers.1.moe.constant_13 = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.1.moe.reduce_5 = stablehlo.reduce(%layers.1.moe.select_4 init: %layers.1.moe.constant_13) applies stablehlo.add across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %layers.1.moe.subtract = stablehlo.subtract %layers.1.moe.reduce_4, %layers.1.moe.reduce_4 : tensor<48xf32>
    %layers.1.moe.exponential = stablehlo.exponential %layers.1.moe.subtract : tensor<48xf32>
    %layers.1.moe.subtract_2 = stablehlo.subtract %layers.1.moe.reduce_5, %layers.1.moe.reduce_4 : tensor<48xf32>
    %layers.1.moe.exponential_2 = stablehlo.exponential %layers.1.moe.subtract_2 : tensor<48xf32>
    %layers.1.moe.add_2 = stablehlo.add %layers.1.moe.exponential, %layers.1.moe.exponential_2 : tensor<48xf32>
    %layers.1.moe.divide = stablehlo.divide %layers.1.moe.exponential, %layers.1.moe.add_2 : tensor<48xf32>
    %layers.1.moe.divide_2 = stablehlo.divide %layers.1.moe.exponential_2, %layers.1.moe.add_2 : tensor<48xf32>
    %layers.1.moe.constant_14 = stablehlo.constant dense<2> : tensor<48x9xi32>
    %layers.1.moe.compare_8 = stablehlo.compare LT, %layers.1.moe.rank, %layers.1.moe.constant_14, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %layers.1.moe.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %layers.1.moe.reduce_4, dims = [0] : (tensor<48xf32>) -> tensor<48x9xf32>
    %layers.1.moe.subtract_3 = stablehlo.subtract %layers.1.moe.router, %layers.1.moe.broadcast_in_dim_4 : tensor<48x9xf32>
    %layers.1.moe.exponential_3 = stablehlo.exponential %layers.1.moe.subtract_3 : tensor<48x9xf32>
    %layers.1.moe.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %layers.1.moe.add_2, dims = [0] : (tensor<48xf32>) -> tensor<48x9xf32>
    %layers.1.moe.divide_3 = stablehlo.divide %layers.1.moe.exponential_3, %layers.1.moe.broadcast_in_dim_5 : tensor<48x9xf32>
    %layers.1.moe.constant_15 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %layers.1.moe.select_5 = stablehlo.select %layers.1.moe.compare_8, %layers.1.moe.divide_3, %layers.1.moe.constant_15 : tensor<48x9xi1>, tensor<48x9xf32>
    %layers.1.moe.convert_6 = stablehlo.convert %layers.1.moe.compare_8 : (tensor<48x9xi1>) -> tensor<48x9xf32>
    %layers.1.moe.iota_4 = stablehlo.iota dim = 0 : tensor<48xi32>
    %layers.1.moe.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %count, dims = [] : (tensor<i32>) -> tensor<48xi32>
    %layers.1.moe.compare_9 = stablehlo.compare LT, %layers.1.moe.iota_4, %layers.1.moe.broadcast_in_dim_6, SIGNED : (tensor<48xi32>, tensor<48xi32>) -> tensor<48xi1>
    %layers.1.moe.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %layers.1.moe.compare_9, dims = [0] : (tensor<48xi1>) -> tensor<48x9xi1>
    %layers.1.moe.constant_16 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %layers.1.moe.select_6 = stablehlo.select %layers.1.moe.broadcast_in_dim_7, %layers.1.moe.select_5, %layers.1.moe.constant_16 : tensor<48x9xi1>, tensor<48x9xf32>
    %layers.1.moe.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %layers.1.moe.compare_9, dims = [0] : (tensor<48xi1>) -> tensor<48x9xi1>
    %layers.1.moe.constant_17 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %layers.1.moe.select_7 = stablehlo.select %layers.1.moe.broadcast_in_dim_8, %layers.1.moe.convert_6, %layers.1.moe.constant_17 : tensor<48x9xi1>, tensor<48x9xf32>
    %layers.1.moe.slice = stablehlo.slice %layers.1.moe.norm.multiply_3 [0:48, 0:416] : (tensor<48x416xf32>) -> tensor<48x416xf32>
    %layers.1.moe.convert_7 = stablehlo.convert %layers.1.moe.slice : (tensor<48x416xf32>) -> tensor<48x416xbf16>
    %layers.1.moe.convert_8 = stablehlo.convert %layers.1.moe.gate_up.weight : (tensor<1x9x1216x416xf8E4M3FN>) -> tensor<1x9x1216x416xbf16>
    %layers.1.moe.dot_general_2 = stablehlo.dot_general %layers.1.moe.convert_7, %layers.1.moe.convert_8, contracting_dims = [1] x [3] : (tensor<48x416xbf16>, tensor<1x9x1216x416xbf16>) -> tensor<48x1x9x1216xf32>
    %layers.1.moe.transpose = stablehlo.transpose %layers.1.moe.dot_general_2, dims = [0, 2, 1, 3] : (tensor<48x1x9x1216xf32>) -> tensor<48x9x1x1216xf32>
    %layers.1.moe.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %layers.1.moe.gate_up.scales, dims = [2, 1, 3] : (tensor<1x9x1216xf32>) -> tensor<48x9x1x1216xf32>
    %layers.1.moe.multiply = stablehlo.multiply %layers.1.moe.transpose, %layers.1.moe.broadcast_in_dim_9 : tensor<48x9x1x1216xf32>
    %layers.1.moe.broadcast_in_dim_10 = stablehlo.broadcast_in_dim %layers.1.moe.gate_up.bias, dims = [2, 1, 3] : (tensor<1x9x1216xf32>) -> tensor<48x9x1x1216xf32>
    %layers.1.moe.add_3 = stablehlo.add %layers.1.moe.multiply, %layers.1.moe.broadcast_in_dim_10 : tensor<48x9x1x1216xf32>
    %layers.1.moe.reshape = stablehlo.reshape %layers.1.moe.add_3 : (tensor<48x9x1x1216xf32>) -> tensor<432x1x1216xf32>
    %layers.1.moe.slice_2 = stablehlo.slice %layers.1.moe.reshape [0:432, 0:1, 0:608] : (tensor<432x1x1216xf32>) -> tensor<432x1x608xf32>
    %layers.1.moe.slice_3 = stablehlo.slice %layers.1.moe.reshape [0:432, 0:1, 608:1216] : (tensor<432x1x1216xf32>) -> tensor<432x1x608xf32>
    %layers.1.moe.constant_18 = stablehlo.constant dense<7.0> : tensor<432x1x608xf32>
    %layers.1.moe.minimum = stablehlo.minimum %layers.1.moe.slice_2, %layers.1.moe.constant_18 : tensor<432x1x608xf32>
    %layers.1.moe.constant_19 = stablehlo.constant dense<7.0> : tensor<432x1x608xf32>
    %layers.1.moe.minimum_2 = stablehlo.minimum %layers.1.moe.slice_3, %layers.1.moe.constant_19 : tensor<432x1x608xf32>
    %layers.1.moe.constant_20 = stablehlo.constant dense<-7.0> : tensor<432x1x608xf32>
    %layers.1.moe.maximum = stablehlo.maximum %layers.1.moe.minimum_2, %layers.1.moe.constant_20 : tensor<432x1x608xf32>
    %layers.1.moe.constant_21 = stablehlo.constant dense<1.702> : tensor<432x1x608xf32>
    %layers.1.moe.multiply_2 = stablehlo.multiply %layers.1.moe.minimum, %layers.1.moe.constant_21 : tensor<432x1x608xf32>
    %layers.1.moe.logistic = stablehlo.logistic %layers.1.moe.multiply_2 : tensor<432x1x608xf32>
    %layers.1.moe.multiply_3 = stablehlo.multiply %layers.1.moe.minimum, %layers.1.moe.logistic : tensor<432x1x608xf32>
    %layers.1.moe.constant_22 = stablehlo.constant dense<1.0> : tensor<432x1x608xf32>
    %layers.1.moe.add_4 = stablehlo.add %layers.1.moe.maximum, %layers.1.moe.constant_22 : tensor<432x1x608xf32>
    %layers.1.moe.multiply_4 = stablehlo.multiply %layers.1.moe.multiply_3, %layers.1.moe.add_4 : tensor<432x1x608xf32>
    %layers.1.moe.convert_9 = stablehlo.convert %layers.1.moe.multiply_4 : (tensor<432x1x608xf32>) -> tensor<432x1x608xbf16>
    %layers.1.moe.reshape_2 = stablehlo.reshape %layers.1.moe.convert_9 : (tensor<432x1x608xbf16>) -> tensor<48x9x1x608xbf16>
    %layers.1.moe.convert_10 = stablehlo.convert %layers.1.moe.down.weight : (tensor<1x9x416x608xf8E4M3FN>) -> tensor<1x9x416x608xbf16>
    %layers.1.moe.dot_general_3 = stablehlo.dot_general %layers.1.moe.reshape_2, %layers.1.moe.convert_10, batching_dims = [1, 2] x [1, 0], contracting_dims = [3] x [3] : (tensor<48x9x1x608xbf16>, tensor<1x9x416x608xbf16>) -> tensor<9x1x48x416xf32>
    %layers.1.moe.transpose_2 = stablehlo.transpose %layers.1.moe.dot_general_3, dims = [2, 0, 1, 3] : (tensor<9x1x48x416xf32>) -> tensor<48x9x1x416xf32>
    %layers.1.moe.broadcast_in_dim_11 = stablehlo.broadcast_in_dim %layers.1.moe.down.scales, dims = [2, 1, 3] : (tensor<1x9x416xf32>) -> tensor<48x9x1x416xf32>
    %layers.1.moe.multiply_5 = stablehlo.multiply %layers.1.moe.transpose_2, %layers.1.moe.broadcast_in_dim_11 : tensor<48x9x1x416xf32>
    %layers.1.moe.broadcast_in_dim_12 = stablehlo.broadcast_in_dim %layers.1.moe.select_6, dims = [0, 1] : (tensor<48x9xf32>) -> tensor<48x9x1x416xf32>
    %layers.1.moe.constant_23 = stablehlo.constant dense<0.0> : tensor<48x9x1x416xf32>
    %layers.1.moe.compare_10 = stablehlo.compare GT, %layers.1.moe.broadcast_in_dim_12, %layers.1.moe.constant_23, FLOAT : (tensor<48x9x1x416xf32>, tensor<48x9x1x416xf32>) -> tensor<48x9x1x416xi1>
    %layers.1.moe.multiply_6 = stablehlo.multiply %layers.1.moe.multiply_5, %layers.1.moe.broadcast_in_dim_12 : tensor<48x9x1x416xf32>
    %layers.1.moe.constant_24 = stablehlo.constant dense<0.0> : tensor<48x9x1x416xf32>
    %layers.1.moe.select_8 = stablehlo.select %layers.1.moe.compare_10, %layers.1.moe.multiply_6, %layers.1.moe.constant_24 : tensor<48x9x1x416xi1>, tensor<48x9x1x416xf32>
    %layers.1.moe.constant_25 = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.1.moe.reduce_6 = stablehlo.reduce(%layers.1.moe.select_8 init: %layers.1.moe.constant_25) applies stablehlo.add across dimensions = [1] : (tensor<48x9x1x416xf32>, tensor<f32>) -> tensor<48x1x416xf32>
    %layers.1.moe.slice_4 = stablehlo.slice %layers.1.moe.reduce_6 [0:48, 0:1, 0:416] : (tensor<48x1x416xf32>) -> tensor<48x1x416xf32>
    %layers.1.moe.constant_26 = stablehlo.constant dense<0.0> : tensor<f32>
    %layers.1.moe.reduce_7 = stablehlo.reduce(%layers.1.moe.slice_4 init: %layers.1.moe.constant_26) applies stablehlo.add across dimensions = [1] : (tensor<48x1x416xf32>, tensor<f32>) -> tensor<48x416xf32>
    %layers.1.moe.dot_general_4 = stablehlo.dot_general %layers.1.moe.select_6, %layers.1.moe.down.bias, contracting_dims = [1] x [0], precision = [HIGHEST, HIGHEST] : (tensor<48x9xf32>, tensor<9x416xf32>) -> tensor<48x416xf32>
    %layers.1.moe.add_5 = stablehlo.add %layers.1.moe.reduce_7, %layers.1.moe.dot_general_4 : tensor<48x416xf32>
    %layers.1.add_2 = stablehlo.add %layers.1.add, %layers.1.moe.add_5 : tensor<48x416xf32>
    %constant = stablehlo.constant dense<1> : tensor<i32>
    %subtract = stablehlo.subtract %count, %constant : tensor<i32>
    %constant_2 = stablehlo.constant dense<0> : tensor<i32>
    %dynamic_slice = stablehlo.dynamic_slice %layers.1.add_2, %subtract, %constant_2, sizes = [1, 416] : (tensor<48x416xf32>, tensor<i32>, tensor<i32>) -> tensor<1x416xf32>
    %head.norm.multiply = stablehlo.multiply %dynamic_slice, %dynamic_slice : tensor<1x416xf32>
    %head.norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
    %head.norm.reduce = stablehlo.reduce(%head.norm.multiply init: %head.norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<1x416xf32>, tensor<f32>) -> tensor<1xf32>
    %head.norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<1xf32>
    %head.norm.divide = stablehlo.divide %head.norm.reduce, %head.norm.constant_2 : tensor<1xf32>
    %head.norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<1xf32>
    %head.norm.add = stablehlo.add %head.norm.divide, %head.norm.constant_3 : tensor<1xf32>
    %head.norm.rsqrt = stablehlo.rsqrt %head.norm.add : tensor<1xf32>
    %head.norm.broadcast_in_dim = stablehlo.broadcast_in_dim %head.norm.rsqrt, dims = [0] : (tensor<1xf32>) -> tensor<1x416xf32>
    %head.norm.multiply_2 = stablehlo.multiply %dynamic_slice, %head.norm.broadcast_in_dim : tensor<1x416xf32>
    %head.norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %norm, dims = [1] : (tensor<416xf32>) -> tensor<1x416xf32>
    %head.norm.multiply_3 = stablehlo.multiply %head.norm.multiply_2, %head.norm.broadcast_in_dim_2 : tensor<1x416xf32>
    %head.convert = stablehlo.convert %head.norm.multiply_3 : (tensor<1x416xf32>) -> tensor<1x416xbf16>
    %head.constant = stablehlo.constant dense<0.0> : tensor<7x416xbf16>
    %head.concatenate = stablehlo.concatenate %head.convert, %head.constant, dim = 0 : (tensor<1x416xbf16>, tensor<7x416xbf16>) -> tensor<8x416xbf16>
    %head.dot_general = stablehlo.dot_general %head.concatenate, %unembedding.weight, contracting_dims = [1] x [1] : (tensor<8x416xbf16>, tensor<1336x416xbf16>) -> tensor<8x1336xf32>
    %head.optimization_barrier = stablehlo.optimization_barrier %head.dot_general : tensor<8x1336xf32>
    %head.logits = stablehlo.slice %head.optimization_barrier [0:1, 0:1336] : (tensor<8x1336xf32>) -> tensor<1x1336xf32>
    %add = stablehlo.add %start, %count : tensor<i32>
    %reshape = stablehlo.reshape %add : (tensor<i32>) -> tensor<1xi32>
    %sample.constant = stablehlo.constant dense<0xFF800000> : tensor<1x200xf32>
    %sample.concatenate = stablehlo.concatenate %head.logits, %sample.constant, dim = 1 : (tensor<1x1336xf32>, tensor<1x200xf32>) -> tensor<1x1536xf32>
    %sample.folded = stablehlo.reshape %sample.concatenate : (tensor<1x1536xf32>) -> tensor<1x3x512xf32>
    %sample.iota = stablehlo.iota dim = 1 : tensor<1x3x512xi32>
    %sample.constant_2 = stablehlo.constant dense<512> : tensor<1x3x512xi32>
    %sample.multiply = stablehlo.multiply %sample.iota, %sample.constant_2 : tensor<1x3x512xi32>
    %sample.iota_2 = stablehlo.iota dim = 2 : tensor<1x3x512xi32>
    %sample.add = stablehlo.add %sample.multiply, %sample.iota_2 : tensor<1x3x512xi32>
    %sample.constant_3 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %sample.reduce = stablehlo.reduce(%sample.folded init: %sample.constant_3) applies stablehlo.maximum across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
    %sample.broadcast_in_dim = stablehlo.broadcast_in_dim %sample.reduce, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
    %sample.compare = stablehlo.compare EQ, %sample.folded, %sample.broadcast_in_dim, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
    %sample.constant_4 = stablehlo.constant dense<1336> : tensor<1x3x512xi32>
    %sample.select = stablehlo.select %sample.compare, %sample.add, %sample.constant_4 : tensor<1x3x512xi1>, tensor<1x3x512xi32>
    %sample.constant_5 = stablehlo.constant dense<2147483647> : tensor<i32>
    %sample.reduce_2 = stablehlo.reduce(%sample.select init: %sample.constant_5) applies stablehlo.minimum across dimensions = [1, 2] : (tensor<1x3x512xi32>, tensor<i32>) -> tensor<1xi32>
    %sample.constant_6 = stablehlo.constant dense<1336> : tensor<1xi32>
    %sample.greedy = stablehlo.minimum %sample.reduce_2, %sample.constant_6 : tensor<1xi32>
    %sample.constant_7 = stablehlo.constant dense<0.0> : tensor<1xf32>
    %sample.compare_2 = stablehlo.compare GT, %temperature, %sample.constant_7, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
    %sample.constant_8 = stablehlo.constant dense<false> : tensor<i1>
    %sample.reduce_3 = stablehlo.reduce(%sample.compare_2 init: %sample.constant_8) applies stablehlo.or across dimensions = [0] : (tensor<1xi1>, tensor<i1>) -> tensor<i1>
    %sample.tokens = "stablehlo.if"(%sample.reduce_3) ({
      %sample.constant_9 = stablehlo.constant dense<1.0> : tensor<1xf32>
      %sample.select_2 = stablehlo.select %sample.compare_2, %temperature, %sample.constant_9 : tensor<1xi1>, tensor<1xf32>
      %sample.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %sample.reduce, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
      %sample.subtract = stablehlo.subtract %sample.folded, %sample.broadcast_in_dim_2 : tensor<1x3x512xf32>
      %sample.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %sample.select_2, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
      %sample.divide = stablehlo.divide %sample.subtract, %sample.broadcast_in_dim_3 : tensor<1x3x512xf32>
      %sample.weights = stablehlo.exponential %sample.divide : tensor<1x3x512xf32>
      %sample.convert = stablehlo.convert %top_k : (tensor<1xi32>) -> tensor<1xf32>
      %sample.constant_10 = stablehlo.constant dense<0> : tensor<1xi32>
      %sample.compare_3 = stablehlo.compare GT, %top_k, %sample.constant_10, SIGNED : (tensor<1xi32>, tensor<1xi32>) -> tensor<1xi1>
      %sample.constant_11 = stablehlo.constant dense<1336> : tensor<1xi32>
      %sample.compare_4 = stablehlo.compare LT, %top_k, %sample.constant_11, SIGNED : (tensor<1xi32>, tensor<1xi32>) -> tensor<1xi1>
      %sample.and = stablehlo.and %sample.compare_3, %sample.compare_4 : tensor<1xi1>
      %sample.top_k.constant = stablehlo.constant dense<0> : tensor<1xi32>
      %sample.top_k.constant_2 = stablehlo.constant dense<134217728> : tensor<i32>
      %sample.top_k.while:2 = "stablehlo.while"(%sample.top_k.constant, %sample.top_k.constant_2) ({
      ^bb0(%sample.top_k.arg: tensor<1xi32>, %sample.top_k.arg_2: tensor<i32>):
        %sample.top_k.constant_3 = stablehlo.constant dense<false> : tensor<i1>
        %sample.top_k.reduce = stablehlo.reduce(%sample.and init: %sample.top_k.constant_3) applies stablehlo.or across dimensions = [0] : (tensor<1xi1>, tensor<i1>) -> tensor<i1>
        %sample.top_k.constant_4 = stablehlo.constant dense<0> : tensor<i32>
        %sample.top_k.compare = stablehlo.compare GT, %sample.top_k.arg_2, %sample.top_k.constant_4, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
        %sample.top_k.and = stablehlo.and %sample.top_k.reduce, %sample.top_k.compare : tensor<i1>
        stablehlo.return %sample.top_k.and : tensor<i1>
      }, {
      ^bb0(%sample.top_k.arg_3: tensor<1xi32>, %sample.top_k.arg_4: tensor<i32>):
        %sample.top_k.constant_5 = stablehlo.constant dense<1> : tensor<i32>
        %sample.top_k.multiply = stablehlo.multiply %sample.top_k.arg_4, %sample.top_k.constant_5 : tensor<i32>
        %sample.top_k.broadcast_in_dim = stablehlo.broadcast_in_dim %sample.top_k.multiply, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_k.add = stablehlo.add %sample.top_k.arg_3, %sample.top_k.broadcast_in_dim : tensor<1xi32>
        %sample.top_k.constant_6 = stablehlo.constant dense<1065353216> : tensor<1xi32>
        %sample.top_k.minimum = stablehlo.minimum %sample.top_k.add, %sample.top_k.constant_6 : tensor<1xi32>
        %sample.top_k.bitcast_convert = stablehlo.bitcast_convert %sample.top_k.minimum : (tensor<1xi32>) -> tensor<1xf32>
        %sample.top_k.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %sample.top_k.bitcast_convert, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
        %sample.top_k.compare_2 = stablehlo.compare GE, %sample.weights, %sample.top_k.broadcast_in_dim_2, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
        %sample.top_k.convert = stablehlo.convert %sample.top_k.compare_2 : (tensor<1x3x512xi1>) -> tensor<1x3x512xf32>
        %sample.top_k.constant_7 = stablehlo.constant dense<0.0> : tensor<f32>
        %sample.top_k.reduce_2 = stablehlo.reduce(%sample.top_k.convert init: %sample.top_k.constant_7) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
        %sample.top_k.compare_3 = stablehlo.compare GE, %sample.top_k.reduce_2, %sample.convert, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
        %sample.top_k.convert_2 = stablehlo.convert %sample.top_k.compare_3 : (tensor<1xi1>) -> tensor<1xi32>
        %sample.top_k.constant_8 = stablehlo.constant dense<2> : tensor<i32>
        %sample.top_k.multiply_2 = stablehlo.multiply %sample.top_k.arg_4, %sample.top_k.constant_8 : tensor<i32>
        %sample.top_k.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %sample.top_k.multiply_2, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_k.add_2 = stablehlo.add %sample.top_k.arg_3, %sample.top_k.broadcast_in_dim_3 : tensor<1xi32>
        %sample.top_k.constant_9 = stablehlo.constant dense<1065353216> : tensor<1xi32>
        %sample.top_k.minimum_2 = stablehlo.minimum %sample.top_k.add_2, %sample.top_k.constant_9 : tensor<1xi32>
        %sample.top_k.bitcast_convert_2 = stablehlo.bitcast_convert %sample.top_k.minimum_2 : (tensor<1xi32>) -> tensor<1xf32>
        %sample.top_k.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %sample.top_k.bitcast_convert_2, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
        %sample.top_k.compare_4 = stablehlo.compare GE, %sample.weights, %sample.top_k.broadcast_in_dim_4, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
        %sample.top_k.convert_3 = stablehlo.convert %sample.top_k.compare_4 : (tensor<1x3x512xi1>) -> tensor<1x3x512xf32>
        %sample.top_k.constant_10 = stablehlo.constant dense<0.0> : tensor<f32>
        %sample.top_k.reduce_3 = stablehlo.reduce(%sample.top_k.convert_3 init: %sample.top_k.constant_10) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
        %sample.top_k.compare_5 = stablehlo.compare GE, %sample.top_k.reduce_3, %sample.convert, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
        %sample.top_k.convert_4 = stablehlo.convert %sample.top_k.compare_5 : (tensor<1xi1>) -> tensor<1xi32>
        %sample.top_k.add_3 = stablehlo.add %sample.top_k.convert_2, %sample.top_k.convert_4 : tensor<1xi32>
        %sample.top_k.constant_11 = stablehlo.constant dense<3> : tensor<i32>
        %sample.top_k.multiply_3 = stablehlo.multiply %sample.top_k.arg_4, %sample.top_k.constant_11 : tensor<i32>
        %sample.top_k.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %sample.top_k.multiply_3, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_k.add_4 = stablehlo.add %sample.top_k.arg_3, %sample.top_k.broadcast_in_dim_5 : tensor<1xi32>
        %sample.top_k.constant_12 = stablehlo.constant dense<1065353216> : tensor<1xi32>
        %sample.top_k.minimum_3 = stablehlo.minimum %sample.top_k.add_4, %sample.top_k.constant_12 : tensor<1xi32>
        %sample.top_k.bitcast_convert_3 = stablehlo.bitcast_convert %sample.top_k.minimum_3 : (tensor<1xi32>) -> tensor<1xf32>
        %sample.top_k.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %sample.top_k.bitcast_convert_3, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
        %sample.top_k.compare_6 = stablehlo.compare GE, %sample.weights, %sample.top_k.broadcast_in_dim_6, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
        %sample.top_k.convert_5 = stablehlo.convert %sample.top_k.compare_6 : (tensor<1x3x512xi1>) -> tensor<1x3x512xf32>
        %sample.top_k.constant_13 = stablehlo.constant dense<0.0> : tensor<f32>
        %sample.top_k.reduce_4 = stablehlo.reduce(%sample.top_k.convert_5 init: %sample.top_k.constant_13) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
        %sample.top_k.compare_7 = stablehlo.compare GE, %sample.top_k.reduce_4, %sample.convert, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
        %sample.top_k.convert_6 = stablehlo.convert %sample.top_k.compare_7 : (tensor<1xi1>) -> tensor<1xi32>
        %sample.top_k.add_5 = stablehlo.add %sample.top_k.add_3, %sample.top_k.convert_6 : tensor<1xi32>
        %sample.top_k.constant_14 = stablehlo.constant dense<4> : tensor<i32>
        %sample.top_k.multiply_4 = stablehlo.multiply %sample.top_k.arg_4, %sample.top_k.constant_14 : tensor<i32>
        %sample.top_k.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %sample.top_k.multiply_4, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_k.add_6 = stablehlo.add %sample.top_k.arg_3, %sample.top_k.broadcast_in_dim_7 : tensor<1xi32>
        %sample.top_k.constant_15 = stablehlo.constant dense<1065353216> : tensor<1xi32>
        %sample.top_k.minimum_4 = stablehlo.minimum %sample.top_k.add_6, %sample.top_k.constant_15 : tensor<1xi32>
        %sample.top_k.bitcast_convert_4 = stablehlo.bitcast_convert %sample.top_k.minimum_4 : (tensor<1xi32>) -> tensor<1xf32>
        %sample.top_k.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %sample.top_k.bitcast_convert_4, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
        %sample.top_k.compare_8 = stablehlo.compare GE, %sample.weights, %sample.top_k.broadcast_in_dim_8, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
        %sample.top_k.convert_7 = stablehlo.convert %sample.top_k.compare_8 : (tensor<1x3x512xi1>) -> tensor<1x3x512xf32>
        %sample.top_k.constant_16 = stablehlo.constant dense<0.0> : tensor<f32>
        %sample.top_k.reduce_5 = stablehlo.reduce(%sample.top_k.convert_7 init: %sample.top_k.constant_16) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
        %sample.top_k.compare_9 = stablehlo.compare GE, %sample.top_k.reduce_5, %sample.convert, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
        %sample.top_k.convert_8 = stablehlo.convert %sample.top_k.compare_9 : (tensor<1xi1>) -> tensor<1xi32>
        %sample.top_k.add_7 = stablehlo.add %sample.top_k.add_5, %sample.top_k.convert_8 : tensor<1xi32>
        %sample.top_k.constant_17 = stablehlo.constant dense<5> : tensor<i32>
        %sample.top_k.multiply_5 = stablehlo.multiply %sample.top_k.arg_4, %sample.top_k.constant_17 : tensor<i32>
        %sample.top_k.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %sample.top_k.multiply_5, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_k.add_8 = stablehlo.add %sample.top_k.arg_3, %sample.top_k.broadcast_in_dim_9 : tensor<1xi32>
        %sample.top_k.constant_18 = stablehlo.constant dense<1065353216> : tensor<1xi32>
        %sample.top_k.minimum_5 = stablehlo.minimum %sample.top_k.add_8, %sample.top_k.constant_18 : tensor<1xi32>
        %sample.top_k.bitcast_convert_5 = stablehlo.bitcast_convert %sample.top_k.minimum_5 : (tensor<1xi32>) -> tensor<1xf32>
        %sample.top_k.broadcast_in_dim_10 = stablehlo.broadcast_in_dim %sample.top_k.bitcast_convert_5, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
        %sample.top_k.compare_10 = stablehlo.compare GE, %sample.weights, %sample.top_k.broadcast_in_dim_10, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
        %sample.top_k.convert_9 = stablehlo.convert %sample.top_k.compare_10 : (tensor<1x3x512xi1>) -> tensor<1x3x512xf32>
        %sample.top_k.constant_19 = stablehlo.constant dense<0.0> : tensor<f32>
        %sample.top_k.reduce_6 = stablehlo.reduce(%sample.top_k.convert_9 init: %sample.top_k.constant_19) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
        %sample.top_k.compare_11 = stablehlo.compare GE, %sample.top_k.reduce_6, %sample.convert, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
        %sample.top_k.convert_10 = stablehlo.convert %sample.top_k.compare_11 : (tensor<1xi1>) -> tensor<1xi32>
        %sample.top_k.add_9 = stablehlo.add %sample.top_k.add_7, %sample.top_k.convert_10 : tensor<1xi32>
        %sample.top_k.constant_20 = stablehlo.constant dense<6> : tensor<i32>
        %sample.top_k.multiply_6 = stablehlo.multiply %sample.top_k.arg_4, %sample.top_k.constant_20 : tensor<i32>
        %sample.top_k.broadcast_in_dim_11 = stablehlo.broadcast_in_dim %sample.top_k.multiply_6, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_k.add_10 = stablehlo.add %sample.top_k.arg_3, %sample.top_k.broadcast_in_dim_11 : tensor<1xi32>
        %sample.top_k.constant_21 = stablehlo.constant dense<1065353216> : tensor<1xi32>
        %sample.top_k.minimum_6 = stablehlo.minimum %sample.top_k.add_10, %sample.top_k.constant_21 : tensor<1xi32>
        %sample.top_k.bitcast_convert_6 = stablehlo.bitcast_convert %sample.top_k.minimum_6 : (tensor<1xi32>) -> tensor<1xf32>
        %sample.top_k.broadcast_in_dim_12 = stablehlo.broadcast_in_dim %sample.top_k.bitcast_convert_6, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
        %sample.top_k.compare_12 = stablehlo.compare GE, %sample.weights, %sample.top_k.broadcast_in_dim_12, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
        %sample.top_k.convert_11 = stablehlo.convert %sample.top_k.compare_12 : (tensor<1x3x512xi1>) -> tensor<1x3x512xf32>
        %sample.top_k.constant_22 = stablehlo.constant dense<0.0> : tensor<f32>
        %sample.top_k.reduce_7 = stablehlo.reduce(%sample.top_k.convert_11 init: %sample.top_k.constant_22) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
        %sample.top_k.compare_13 = stablehlo.compare GE, %sample.top_k.reduce_7, %sample.convert, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
        %sample.top_k.convert_12 = stablehlo.convert %sample.top_k.compare_13 : (tensor<1xi1>) -> tensor<1xi32>
        %sample.top_k.add_11 = stablehlo.add %sample.top_k.add_9, %sample.top_k.convert_12 : tensor<1xi32>
        %sample.top_k.constant_23 = stablehlo.constant dense<7> : tensor<i32>
        %sample.top_k.multiply_7 = stablehlo.multiply %sample.top_k.arg_4, %sample.top_k.constant_23 : tensor<i32>
        %sample.top_k.broadcast_in_dim_13 = stablehlo.broadcast_in_dim %sample.top_k.multiply_7, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_k.add_12 = stablehlo.add %sample.top_k.arg_3, %sample.top_k.broadcast_in_dim_13 : tensor<1xi32>
        %sample.top_k.constant_24 = stablehlo.constant dense<1065353216> : tensor<1xi32>
        %sample.top_k.minimum_7 = stablehlo.minimum %sample.top_k.add_12, %sample.top_k.constant_24 : tensor<1xi32>
        %sample.top_k.bitcast_convert_7 = stablehlo.bitcast_convert %sample.top_k.minimum_7 : (tensor<1xi32>) -> tensor<1xf32>
        %sample.top_k.broadcast_in_dim_14 = stablehlo.broadcast_in_dim %sample.top_k.bitcast_convert_7, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
        %sample.top_k.compare_14 = stablehlo.compare GE, %sample.weights, %sample.top_k.broadcast_in_dim_14, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
        %sample.top_k.convert_13 = stablehlo.convert %sample.top_k.compare_14 : (tensor<1x3x512xi1>) -> tensor<1x3x512xf32>
        %sample.top_k.constant_25 = stablehlo.constant dense<0.0> : tensor<f32>
        %sample.top_k.reduce_8 = stablehlo.reduce(%sample.top_k.convert_13 init: %sample.top_k.constant_25) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
        %sample.top_k.compare_15 = stablehlo.compare GE, %sample.top_k.reduce_8, %sample.convert, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
        %sample.top_k.convert_14 = stablehlo.convert %sample.top_k.compare_15 : (tensor<1xi1>) -> tensor<1xi32>
        %sample.top_k.add_13 = stablehlo.add %sample.top_k.add_11, %sample.top_k.convert_14 : tensor<1xi32>
        %sample.top_k.broadcast_in_dim_15 = stablehlo.broadcast_in_dim %sample.top_k.arg_4, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_k.multiply_8 = stablehlo.multiply %sample.top_k.add_13, %sample.top_k.broadcast_in_dim_15 : tensor<1xi32>
        %sample.top_k.add_14 = stablehlo.add %sample.top_k.arg_3, %sample.top_k.multiply_8 : tensor<1xi32>
        %sample.top_k.constant_26 = stablehlo.constant dense<3> : tensor<i32>
        %sample.top_k.shift_right_logical = stablehlo.shift_right_logical %sample.top_k.arg_4, %sample.top_k.constant_26 : tensor<i32>
        stablehlo.return %sample.top_k.add_14, %sample.top_k.shift_right_logical : tensor<1xi32>, tensor<i32>
      }) {mhlo.frontend_attributes = {precast_trips = "10"}} : (tensor<1xi32>, tensor<i32>) -> (tensor<1xi32>, tensor<i32>)
      %sample.top_k.constant_27 = stablehlo.constant dense<1065353216> : tensor<1xi32>
      %sample.top_k.minimum_8 = stablehlo.minimum %sample.top_k.while#0, %sample.top_k.constant_27 : tensor<1xi32>
      %sample.top_k.bitcast_convert_8 = stablehlo.bitcast_convert %sample.top_k.minimum_8 : (tensor<1xi32>) -> tensor<1xf32>
      %sample.top_k.constant_28 = stablehlo.constant dense<0.0> : tensor<1xf32>
      %sample.top_k.select = stablehlo.select %sample.and, %sample.top_k.bitcast_convert_8, %sample.top_k.constant_28 : tensor<1xi1>, tensor<1xf32>
      %sample.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %sample.top_k.select, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
      %sample.compare_5 = stablehlo.compare GE, %sample.weights, %sample.broadcast_in_dim_4, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
      %sample.constant_12 = stablehlo.constant dense<0.0> : tensor<1x3x512xf32>
      %sample.select_3 = stablehlo.select %sample.compare_5, %sample.weights, %sample.constant_12 : tensor<1x3x512xi1>, tensor<1x3x512xf32>
      %sample.constant_13 = stablehlo.constant dense<1.0> : tensor<1xf32>
      %sample.compare_6 = stablehlo.compare LT, %top_p, %sample.constant_13, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
      %sample.constant_14 = stablehlo.constant dense<0.0> : tensor<f32>
      %sample.reduce_4 = stablehlo.reduce(%sample.select_3 init: %sample.constant_14) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
      %sample.multiply_2 = stablehlo.multiply %top_p, %sample.reduce_4 : tensor<1xf32>
      %sample.top_p.constant = stablehlo.constant dense<0> : tensor<1xi32>
      %sample.top_p.constant_2 = stablehlo.constant dense<134217728> : tensor<i32>
      %sample.top_p.while:2 = "stablehlo.while"(%sample.top_p.constant, %sample.top_p.constant_2) ({
      ^bb0(%sample.top_p.arg: tensor<1xi32>, %sample.top_p.arg_2: tensor<i32>):
        %sample.top_p.constant_3 = stablehlo.constant dense<false> : tensor<i1>
        %sample.top_p.reduce = stablehlo.reduce(%sample.compare_6 init: %sample.top_p.constant_3) applies stablehlo.or across dimensions = [0] : (tensor<1xi1>, tensor<i1>) -> tensor<i1>
        %sample.top_p.constant_4 = stablehlo.constant dense<0> : tensor<i32>
        %sample.top_p.compare = stablehlo.compare GT, %sample.top_p.arg_2, %sample.top_p.constant_4, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
        %sample.top_p.and = stablehlo.and %sample.top_p.reduce, %sample.top_p.compare : tensor<i1>
        stablehlo.return %sample.top_p.and : tensor<i1>
      }, {
      ^bb0(%sample.top_p.arg_3: tensor<1xi32>, %sample.top_p.arg_4: tensor<i32>):
        %sample.top_p.constant_5 = stablehlo.constant dense<1> : tensor<i32>
        %sample.top_p.multiply = stablehlo.multiply %sample.top_p.arg_4, %sample.top_p.constant_5 : tensor<i32>
        %sample.top_p.broadcast_in_dim = stablehlo.broadcast_in_dim %sample.top_p.multiply, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_p.add = stablehlo.add %sample.top_p.arg_3, %sample.top_p.broadcast_in_dim : tensor<1xi32>
        %sample.top_p.constant_6 = stablehlo.constant dense<1065353216> : tensor<1xi32>
        %sample.top_p.minimum = stablehlo.minimum %sample.top_p.add, %sample.top_p.constant_6 : tensor<1xi32>
        %sample.top_p.bitcast_convert = stablehlo.bitcast_convert %sample.top_p.minimum : (tensor<1xi32>) -> tensor<1xf32>
        %sample.top_p.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %sample.top_p.bitcast_convert, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
        %sample.top_p.compare_2 = stablehlo.compare GE, %sample.select_3, %sample.top_p.broadcast_in_dim_2, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
        %sample.top_p.constant_7 = stablehlo.constant dense<0.0> : tensor<1x3x512xf32>
        %sample.top_p.select = stablehlo.select %sample.top_p.compare_2, %sample.select_3, %sample.top_p.constant_7 : tensor<1x3x512xi1>, tensor<1x3x512xf32>
        %sample.top_p.constant_8 = stablehlo.constant dense<0.0> : tensor<f32>
        %sample.top_p.reduce_2 = stablehlo.reduce(%sample.top_p.select init: %sample.top_p.constant_8) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
        %sample.top_p.compare_3 = stablehlo.compare GE, %sample.top_p.reduce_2, %sample.multiply_2, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
        %sample.top_p.convert = stablehlo.convert %sample.top_p.compare_3 : (tensor<1xi1>) -> tensor<1xi32>
        %sample.top_p.constant_9 = stablehlo.constant dense<2> : tensor<i32>
        %sample.top_p.multiply_2 = stablehlo.multiply %sample.top_p.arg_4, %sample.top_p.constant_9 : tensor<i32>
        %sample.top_p.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %sample.top_p.multiply_2, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_p.add_2 = stablehlo.add %sample.top_p.arg_3, %sample.top_p.broadcast_in_dim_3 : tensor<1xi32>
        %sample.top_p.constant_10 = stablehlo.constant dense<1065353216> : tensor<1xi32>
        %sample.top_p.minimum_2 = stablehlo.minimum %sample.top_p.add_2, %sample.top_p.constant_10 : tensor<1xi32>
        %sample.top_p.bitcast_convert_2 = stablehlo.bitcast_convert %sample.top_p.minimum_2 : (tensor<1xi32>) -> tensor<1xf32>
        %sample.top_p.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %sample.top_p.bitcast_convert_2, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
        %sample.top_p.compare_4 = stablehlo.compare GE, %sample.select_3, %sample.top_p.broadcast_in_dim_4, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
        %sample.top_p.constant_11 = stablehlo.constant dense<0.0> : tensor<1x3x512xf32>
        %sample.top_p.select_2 = stablehlo.select %sample.top_p.compare_4, %sample.select_3, %sample.top_p.constant_11 : tensor<1x3x512xi1>, tensor<1x3x512xf32>
        %sample.top_p.constant_12 = stablehlo.constant dense<0.0> : tensor<f32>
        %sample.top_p.reduce_3 = stablehlo.reduce(%sample.top_p.select_2 init: %sample.top_p.constant_12) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
        %sample.top_p.compare_5 = stablehlo.compare GE, %sample.top_p.reduce_3, %sample.multiply_2, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
        %sample.top_p.convert_2 = stablehlo.convert %sample.top_p.compare_5 : (tensor<1xi1>) -> tensor<1xi32>
        %sample.top_p.add_3 = stablehlo.add %sample.top_p.convert, %sample.top_p.convert_2 : tensor<1xi32>
        %sample.top_p.constant_13 = stablehlo.constant dense<3> : tensor<i32>
        %sample.top_p.multiply_3 = stablehlo.multiply %sample.top_p.arg_4, %sample.top_p.constant_13 : tensor<i32>
        %sample.top_p.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %sample.top_p.multiply_3, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_p.add_4 = stablehlo.add %sample.top_p.arg_3, %sample.top_p.broadcast_in_dim_5 : tensor<1xi32>
        %sample.top_p.constant_14 = stablehlo.constant dense<1065353216> : tensor<1xi32>
        %sample.top_p.minimum_3 = stablehlo.minimum %sample.top_p.add_4, %sample.top_p.constant_14 : tensor<1xi32>
        %sample.top_p.bitcast_convert_3 = stablehlo.bitcast_convert %sample.top_p.minimum_3 : (tensor<1xi32>) -> tensor<1xf32>
        %sample.top_p.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %sample.top_p.bitcast_convert_3, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
        %sample.top_p.compare_6 = stablehlo.compare GE, %sample.select_3, %sample.top_p.broadcast_in_dim_6, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
        %sample.top_p.constant_15 = stablehlo.constant dense<0.0> : tensor<1x3x512xf32>
        %sample.top_p.select_3 = stablehlo.select %sample.top_p.compare_6, %sample.select_3, %sample.top_p.constant_15 : tensor<1x3x512xi1>, tensor<1x3x512xf32>
        %sample.top_p.constant_16 = stablehlo.constant dense<0.0> : tensor<f32>
        %sample.top_p.reduce_4 = stablehlo.reduce(%sample.top_p.select_3 init: %sample.top_p.constant_16) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
        %sample.top_p.compare_7 = stablehlo.compare GE, %sample.top_p.reduce_4, %sample.multiply_2, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
        %sample.top_p.convert_3 = stablehlo.convert %sample.top_p.compare_7 : (tensor<1xi1>) -> tensor<1xi32>
        %sample.top_p.add_5 = stablehlo.add %sample.top_p.add_3, %sample.top_p.convert_3 : tensor<1xi32>
        %sample.top_p.constant_17 = stablehlo.constant dense<4> : tensor<i32>
        %sample.top_p.multiply_4 = stablehlo.multiply %sample.top_p.arg_4, %sample.top_p.constant_17 : tensor<i32>
        %sample.top_p.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %sample.top_p.multiply_4, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_p.add_6 = stablehlo.add %sample.top_p.arg_3, %sample.top_p.broadcast_in_dim_7 : tensor<1xi32>
        %sample.top_p.constant_18 = stablehlo.constant dense<1065353216> : tensor<1xi32>
        %sample.top_p.minimum_4 = stablehlo.minimum %sample.top_p.add_6, %sample.top_p.constant_18 : tensor<1xi32>
        %sample.top_p.bitcast_convert_4 = stablehlo.bitcast_convert %sample.top_p.minimum_4 : (tensor<1xi32>) -> tensor<1xf32>
        %sample.top_p.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %sample.top_p.bitcast_convert_4, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
        %sample.top_p.compare_8 = stablehlo.compare GE, %sample.select_3, %sample.top_p.broadcast_in_dim_8, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
        %sample.top_p.constant_19 = stablehlo.constant dense<0.0> : tensor<1x3x512xf32>
        %sample.top_p.select_4 = stablehlo.select %sample.top_p.compare_8, %sample.select_3, %sample.top_p.constant_19 : tensor<1x3x512xi1>, tensor<1x3x512xf32>
        %sample.top_p.constant_20 = stablehlo.constant dense<0.0> : tensor<f32>
        %sample.top_p.reduce_5 = stablehlo.reduce(%sample.top_p.select_4 init: %sample.top_p.constant_20) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
        %sample.top_p.compare_9 = stablehlo.compare GE, %sample.top_p.reduce_5, %sample.multiply_2, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
        %sample.top_p.convert_4 = stablehlo.convert %sample.top_p.compare_9 : (tensor<1xi1>) -> tensor<1xi32>
        %sample.top_p.add_7 = stablehlo.add %sample.top_p.add_5, %sample.top_p.convert_4 : tensor<1xi32>
        %sample.top_p.constant_21 = stablehlo.constant dense<5> : tensor<i32>
        %sample.top_p.multiply_5 = stablehlo.multiply %sample.top_p.arg_4, %sample.top_p.constant_21 : tensor<i32>
        %sample.top_p.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %sample.top_p.multiply_5, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_p.add_8 = stablehlo.add %sample.top_p.arg_3, %sample.top_p.broadcast_in_dim_9 : tensor<1xi32>
        %sample.top_p.constant_22 = stablehlo.constant dense<1065353216> : tensor<1xi32>
        %sample.top_p.minimum_5 = stablehlo.minimum %sample.top_p.add_8, %sample.top_p.constant_22 : tensor<1xi32>
        %sample.top_p.bitcast_convert_5 = stablehlo.bitcast_convert %sample.top_p.minimum_5 : (tensor<1xi32>) -> tensor<1xf32>
        %sample.top_p.broadcast_in_dim_10 = stablehlo.broadcast_in_dim %sample.top_p.bitcast_convert_5, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
        %sample.top_p.compare_10 = stablehlo.compare GE, %sample.select_3, %sample.top_p.broadcast_in_dim_10, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
        %sample.top_p.constant_23 = stablehlo.constant dense<0.0> : tensor<1x3x512xf32>
        %sample.top_p.select_5 = stablehlo.select %sample.top_p.compare_10, %sample.select_3, %sample.top_p.constant_23 : tensor<1x3x512xi1>, tensor<1x3x512xf32>
        %sample.top_p.constant_24 = stablehlo.constant dense<0.0> : tensor<f32>
        %sample.top_p.reduce_6 = stablehlo.reduce(%sample.top_p.select_5 init: %sample.top_p.constant_24) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
        %sample.top_p.compare_11 = stablehlo.compare GE, %sample.top_p.reduce_6, %sample.multiply_2, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
        %sample.top_p.convert_5 = stablehlo.convert %sample.top_p.compare_11 : (tensor<1xi1>) -> tensor<1xi32>
        %sample.top_p.add_9 = stablehlo.add %sample.top_p.add_7, %sample.top_p.convert_5 : tensor<1xi32>
        %sample.top_p.constant_25 = stablehlo.constant dense<6> : tensor<i32>
        %sample.top_p.multiply_6 = stablehlo.multiply %sample.top_p.arg_4, %sample.top_p.constant_25 : tensor<i32>
        %sample.top_p.broadcast_in_dim_11 = stablehlo.broadcast_in_dim %sample.top_p.multiply_6, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_p.add_10 = stablehlo.add %sample.top_p.arg_3, %sample.top_p.broadcast_in_dim_11 : tensor<1xi32>
        %sample.top_p.constant_26 = stablehlo.constant dense<1065353216> : tensor<1xi32>
        %sample.top_p.minimum_6 = stablehlo.minimum %sample.top_p.add_10, %sample.top_p.constant_26 : tensor<1xi32>
        %sample.top_p.bitcast_convert_6 = stablehlo.bitcast_convert %sample.top_p.minimum_6 : (tensor<1xi32>) -> tensor<1xf32>
        %sample.top_p.broadcast_in_dim_12 = stablehlo.broadcast_in_dim %sample.top_p.bitcast_convert_6, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
        %sample.top_p.compare_12 = stablehlo.compare GE, %sample.select_3, %sample.top_p.broadcast_in_dim_12, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
        %sample.top_p.constant_27 = stablehlo.constant dense<0.0> : tensor<1x3x512xf32>
        %sample.top_p.select_6 = stablehlo.select %sample.top_p.compare_12, %sample.select_3, %sample.top_p.constant_27 : tensor<1x3x512xi1>, tensor<1x3x512xf32>
        %sample.top_p.constant_28 = stablehlo.constant dense<0.0> : tensor<f32>
        %sample.top_p.reduce_7 = stablehlo.reduce(%sample.top_p.select_6 init: %sample.top_p.constant_28) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
        %sample.top_p.compare_13 = stablehlo.compare GE, %sample.top_p.reduce_7, %sample.multiply_2, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
        %sample.top_p.convert_6 = stablehlo.convert %sample.top_p.compare_13 : (tensor<1xi1>) -> tensor<1xi32>
        %sample.top_p.add_11 = stablehlo.add %sample.top_p.add_9, %sample.top_p.convert_6 : tensor<1xi32>
        %sample.top_p.constant_29 = stablehlo.constant dense<7> : tensor<i32>
        %sample.top_p.multiply_7 = stablehlo.multiply %sample.top_p.arg_4, %sample.top_p.constant_29 : tensor<i32>
        %sample.top_p.broadcast_in_dim_13 = stablehlo.broadcast_in_dim %sample.top_p.multiply_7, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_p.add_12 = stablehlo.add %sample.top_p.arg_3, %sample.top_p.broadcast_in_dim_13 : tensor<1xi32>
        %sample.top_p.constant_30 = stablehlo.constant dense<1065353216> : tensor<1xi32>
        %sample.top_p.minimum_7 = stablehlo.minimum %sample.top_p.add_12, %sample.top_p.constant_30 : tensor<1xi32>
        %sample.top_p.bitcast_convert_7 = stablehlo.bitcast_convert %sample.top_p.minimum_7 : (tensor<1xi32>) -> tensor<1xf32>
        %sample.top_p.broadcast_in_dim_14 = stablehlo.broadcast_in_dim %sample.top_p.bitcast_convert_7, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
        %sample.top_p.compare_14 = stablehlo.compare GE, %sample.select_3, %sample.top_p.broadcast_in_dim_14, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
        %sample.top_p.constant_31 = stablehlo.constant dense<0.0> : tensor<1x3x512xf32>
        %sample.top_p.select_7 = stablehlo.select %sample.top_p.compare_14, %sample.select_3, %sample.top_p.constant_31 : tensor<1x3x512xi1>, tensor<1x3x512xf32>
        %sample.top_p.constant_32 = stablehlo.constant dense<0.0> : tensor<f32>
        %sample.top_p.reduce_8 = stablehlo.reduce(%sample.top_p.select_7 init: %sample.top_p.constant_32) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
        %sample.top_p.compare_15 = stablehlo.compare GE, %sample.top_p.reduce_8, %sample.multiply_2, FLOAT : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xi1>
        %sample.top_p.convert_7 = stablehlo.convert %sample.top_p.compare_15 : (tensor<1xi1>) -> tensor<1xi32>
        %sample.top_p.add_13 = stablehlo.add %sample.top_p.add_11, %sample.top_p.convert_7 : tensor<1xi32>
        %sample.top_p.broadcast_in_dim_15 = stablehlo.broadcast_in_dim %sample.top_p.arg_4, dims = [] : (tensor<i32>) -> tensor<1xi32>
        %sample.top_p.multiply_8 = stablehlo.multiply %sample.top_p.add_13, %sample.top_p.broadcast_in_dim_15 : tensor<1xi32>
        %sample.top_p.add_14 = stablehlo.add %sample.top_p.arg_3, %sample.top_p.multiply_8 : tensor<1xi32>
        %sample.top_p.constant_33 = stablehlo.constant dense<3> : tensor<i32>
        %sample.top_p.shift_right_logical = stablehlo.shift_right_logical %sample.top_p.arg_4, %sample.top_p.constant_33 : tensor<i32>
        stablehlo.return %sample.top_p.add_14, %sample.top_p.shift_right_logical : tensor<1xi32>, tensor<i32>
      }) {mhlo.frontend_attributes = {precast_trips = "10"}} : (tensor<1xi32>, tensor<i32>) -> (tensor<1xi32>, tensor<i32>)
      %sample.top_p.constant_34 = stablehlo.constant dense<1065353216> : tensor<1xi32>
      %sample.top_p.minimum_8 = stablehlo.minimum %sample.top_p.while#0, %sample.top_p.constant_34 : tensor<1xi32>
      %sample.top_p.bitcast_convert_8 = stablehlo.bitcast_convert %sample.top_p.minimum_8 : (tensor<1xi32>) -> tensor<1xf32>
      %sample.top_p.constant_35 = stablehlo.constant dense<0.0> : tensor<1xf32>
      %sample.top_p.select_8 = stablehlo.select %sample.compare_6, %sample.top_p.bitcast_convert_8, %sample.top_p.constant_35 : tensor<1xi1>, tensor<1xf32>
      %sample.maximum = stablehlo.maximum %sample.top_p.select_8, %min_p : tensor<1xf32>
      %sample.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %sample.maximum, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
      %sample.compare_7 = stablehlo.compare GE, %sample.select_3, %sample.broadcast_in_dim_5, FLOAT : (tensor<1x3x512xf32>, tensor<1x3x512xf32>) -> tensor<1x3x512xi1>
      %sample.constant_15 = stablehlo.constant dense<0.0> : tensor<1x3x512xf32>
      %sample.kept = stablehlo.select %sample.compare_7, %sample.select_3, %sample.constant_15 : tensor<1x3x512xi1>, tensor<1x3x512xf32>
      %sample.convert_2 = stablehlo.convert %reshape : (tensor<1xi32>) -> tensor<1xui64>
      %sample.constant_16 = stablehlo.constant dense<1> : tensor<1xui64>
      %sample.add_2 = stablehlo.add %sample.convert_2, %sample.constant_16 : tensor<1xui64>
      %sample.constant_17 = stablehlo.constant dense<11400714819323198485> : tensor<1xui64>
      %sample.multiply_3 = stablehlo.multiply %sample.add_2, %sample.constant_17 : tensor<1xui64>
      %sample.add_3 = stablehlo.add %seed, %sample.multiply_3 : tensor<1xui64>
      %sample.constant_18 = stablehlo.constant dense<30> : tensor<1xui64>
      %sample.shift_right_logical = stablehlo.shift_right_logical %sample.add_3, %sample.constant_18 : tensor<1xui64>
      %sample.xor = stablehlo.xor %sample.add_3, %sample.shift_right_logical : tensor<1xui64>
      %sample.constant_19 = stablehlo.constant dense<13787848793156543929> : tensor<1xui64>
      %sample.multiply_4 = stablehlo.multiply %sample.xor, %sample.constant_19 : tensor<1xui64>
      %sample.constant_20 = stablehlo.constant dense<27> : tensor<1xui64>
      %sample.shift_right_logical_2 = stablehlo.shift_right_logical %sample.multiply_4, %sample.constant_20 : tensor<1xui64>
      %sample.xor_2 = stablehlo.xor %sample.multiply_4, %sample.shift_right_logical_2 : tensor<1xui64>
      %sample.constant_21 = stablehlo.constant dense<10723151780598845931> : tensor<1xui64>
      %sample.multiply_5 = stablehlo.multiply %sample.xor_2, %sample.constant_21 : tensor<1xui64>
      %sample.constant_22 = stablehlo.constant dense<31> : tensor<1xui64>
      %sample.shift_right_logical_3 = stablehlo.shift_right_logical %sample.multiply_5, %sample.constant_22 : tensor<1xui64>
      %sample.xor_3 = stablehlo.xor %sample.multiply_5, %sample.shift_right_logical_3 : tensor<1xui64>
      %sample.constant_23 = stablehlo.constant dense<40> : tensor<1xui64>
      %sample.shift_right_logical_4 = stablehlo.shift_right_logical %sample.xor_3, %sample.constant_23 : tensor<1xui64>
      %sample.convert_3 = stablehlo.convert %sample.shift_right_logical_4 : (tensor<1xui64>) -> tensor<1xf32>
      %sample.constant_24 = stablehlo.constant dense<5.9604645e-8> : tensor<1xf32>
      %sample.uniform = stablehlo.multiply %sample.convert_3, %sample.constant_24 : tensor<1xf32>
      %sample.constant_25 = stablehlo.constant dense<0.0> : tensor<f32>
      %sample.reduce_5 = stablehlo.reduce(%sample.kept init: %sample.constant_25) applies stablehlo.add across dimensions = [2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1x3xf32>
      %sample.constant_26 = stablehlo.constant dense<0.0> : tensor<f32>
      %sample.reduce_6 = stablehlo.reduce(%sample.reduce_5 init: %sample.constant_26) applies stablehlo.add across dimensions = [1] : (tensor<1x3xf32>, tensor<f32>) -> tensor<1xf32>
      %sample.multiply_7 = stablehlo.multiply %sample.uniform, %sample.reduce_6 : tensor<1xf32>
      %sample.iota_3 = stablehlo.iota dim = 1 : tensor<3x3xi32>
      %sample.iota_4 = stablehlo.iota dim = 0 : tensor<3x3xi32>
      %sample.compare_8 = stablehlo.compare LE, %sample.iota_3, %sample.iota_4, SIGNED : (tensor<3x3xi32>, tensor<3x3xi32>) -> tensor<3x3xi1>
      %sample.convert_4 = stablehlo.convert %sample.compare_8 : (tensor<3x3xi1>) -> tensor<3x3xf32>
      %sample.dot_general = stablehlo.dot_general %sample.reduce_5, %sample.convert_4, contracting_dims = [1] x [1], precision = [HIGHEST, HIGHEST] : (tensor<1x3xf32>, tensor<3x3xf32>) -> tensor<1x3xf32>
      %sample.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %sample.multiply_7, dims = [0] : (tensor<1xf32>) -> tensor<1x3xf32>
      %sample.compare_9 = stablehlo.compare LE, %sample.dot_general, %sample.broadcast_in_dim_6, FLOAT : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x3xi1>
      %sample.iota_5 = stablehlo.iota dim = 1 : tensor<1x3xi32>
      %sample.constant_27 = stablehlo.constant dense<0.0> : tensor<1x3xf32>
      %sample.compare_10 = stablehlo.compare GT, %sample.reduce_5, %sample.constant_27, FLOAT : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x3xi1>
      %sample.constant_28 = stablehlo.constant dense<0> : tensor<1x3xi32>
      %sample.select_5 = stablehlo.select %sample.compare_10, %sample.iota_5, %sample.constant_28 : tensor<1x3xi1>, tensor<1x3xi32>
      %sample.constant_29 = stablehlo.constant dense<-2147483648> : tensor<i32>
      %sample.reduce_7 = stablehlo.reduce(%sample.select_5 init: %sample.constant_29) applies stablehlo.maximum across dimensions = [1] : (tensor<1x3xi32>, tensor<i32>) -> tensor<1xi32>
      %sample.convert_5 = stablehlo.convert %sample.compare_9 : (tensor<1x3xi1>) -> tensor<1x3xi32>
      %sample.constant_30 = stablehlo.constant dense<0> : tensor<i32>
      %sample.reduce_8 = stablehlo.reduce(%sample.convert_5 init: %sample.constant_30) applies stablehlo.add across dimensions = [1] : (tensor<1x3xi32>, tensor<i32>) -> tensor<1xi32>
      %sample.minimum_2 = stablehlo.minimum %sample.reduce_8, %sample.reduce_7 : tensor<1xi32>
      %sample.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %sample.minimum_2, dims = [0] : (tensor<1xi32>) -> tensor<1x3xi32>
      %sample.compare_11 = stablehlo.compare LT, %sample.iota_5, %sample.broadcast_in_dim_7, SIGNED : (tensor<1x3xi32>, tensor<1x3xi32>) -> tensor<1x3xi1>
      %sample.constant_31 = stablehlo.constant dense<0.0> : tensor<1x3xf32>
      %sample.select_6 = stablehlo.select %sample.compare_11, %sample.reduce_5, %sample.constant_31 : tensor<1x3xi1>, tensor<1x3xf32>
      %sample.constant_32 = stablehlo.constant dense<0.0> : tensor<f32>
      %sample.reduce_9 = stablehlo.reduce(%sample.select_6 init: %sample.constant_32) applies stablehlo.add across dimensions = [1] : (tensor<1x3xf32>, tensor<f32>) -> tensor<1xf32>
      %sample.iota_6 = stablehlo.iota dim = 1 : tensor<1x3x512xi32>
      %sample.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %sample.minimum_2, dims = [0] : (tensor<1xi32>) -> tensor<1x3x512xi32>
      %sample.compare_12 = stablehlo.compare EQ, %sample.iota_6, %sample.broadcast_in_dim_8, SIGNED : (tensor<1x3x512xi32>, tensor<1x3x512xi32>) -> tensor<1x3x512xi1>
      %sample.constant_33 = stablehlo.constant dense<0.0> : tensor<1x3x512xf32>
      %sample.select_7 = stablehlo.select %sample.compare_12, %sample.kept, %sample.constant_33 : tensor<1x3x512xi1>, tensor<1x3x512xf32>
      %sample.constant_34 = stablehlo.constant dense<0.0> : tensor<f32>
      %sample.reduce_10 = stablehlo.reduce(%sample.select_7 init: %sample.constant_34) applies stablehlo.add across dimensions = [1] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1x512xf32>
      %sample.subtract_2 = stablehlo.subtract %sample.multiply_7, %sample.reduce_9 : tensor<1xf32>
      %sample.iota_7 = stablehlo.iota dim = 1 : tensor<512x512xi32>
      %sample.iota_8 = stablehlo.iota dim = 0 : tensor<512x512xi32>
      %sample.compare_13 = stablehlo.compare LE, %sample.iota_7, %sample.iota_8, SIGNED : (tensor<512x512xi32>, tensor<512x512xi32>) -> tensor<512x512xi1>
      %sample.convert_6 = stablehlo.convert %sample.compare_13 : (tensor<512x512xi1>) -> tensor<512x512xf32>
      %sample.dot_general_2 = stablehlo.dot_general %sample.reduce_10, %sample.convert_6, contracting_dims = [1] x [1], precision = [HIGHEST, HIGHEST] : (tensor<1x512xf32>, tensor<512x512xf32>) -> tensor<1x512xf32>
      %sample.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %sample.subtract_2, dims = [0] : (tensor<1xf32>) -> tensor<1x512xf32>
      %sample.compare_14 = stablehlo.compare LE, %sample.dot_general_2, %sample.broadcast_in_dim_9, FLOAT : (tensor<1x512xf32>, tensor<1x512xf32>) -> tensor<1x512xi1>
      %sample.iota_9 = stablehlo.iota dim = 1 : tensor<1x512xi32>
      %sample.constant_35 = stablehlo.constant dense<0.0> : tensor<1x512xf32>
      %sample.compare_15 = stablehlo.compare GT, %sample.reduce_10, %sample.constant_35, FLOAT : (tensor<1x512xf32>, tensor<1x512xf32>) -> tensor<1x512xi1>
      %sample.constant_36 = stablehlo.constant dense<0> : tensor<1x512xi32>
      %sample.select_8 = stablehlo.select %sample.compare_15, %sample.iota_9, %sample.constant_36 : tensor<1x512xi1>, tensor<1x512xi32>
      %sample.constant_37 = stablehlo.constant dense<-2147483648> : tensor<i32>
      %sample.reduce_11 = stablehlo.reduce(%sample.select_8 init: %sample.constant_37) applies stablehlo.maximum across dimensions = [1] : (tensor<1x512xi32>, tensor<i32>) -> tensor<1xi32>
      %sample.convert_7 = stablehlo.convert %sample.compare_14 : (tensor<1x512xi1>) -> tensor<1x512xi32>
      %sample.constant_38 = stablehlo.constant dense<0> : tensor<i32>
      %sample.reduce_12 = stablehlo.reduce(%sample.convert_7 init: %sample.constant_38) applies stablehlo.add across dimensions = [1] : (tensor<1x512xi32>, tensor<i32>) -> tensor<1xi32>
      %sample.minimum_3 = stablehlo.minimum %sample.reduce_12, %sample.reduce_11 : tensor<1xi32>
      %sample.broadcast_in_dim_10 = stablehlo.broadcast_in_dim %sample.minimum_3, dims = [0] : (tensor<1xi32>) -> tensor<1x512xi32>
      %sample.compare_16 = stablehlo.compare LT, %sample.iota_9, %sample.broadcast_in_dim_10, SIGNED : (tensor<1x512xi32>, tensor<1x512xi32>) -> tensor<1x512xi1>
      %sample.constant_39 = stablehlo.constant dense<0.0> : tensor<1x512xf32>
      %sample.select_9 = stablehlo.select %sample.compare_16, %sample.reduce_10, %sample.constant_39 : tensor<1x512xi1>, tensor<1x512xf32>
      %sample.constant_40 = stablehlo.constant dense<0.0> : tensor<f32>
      %sample.reduce_13 = stablehlo.reduce(%sample.select_9 init: %sample.constant_40) applies stablehlo.add across dimensions = [1] : (tensor<1x512xf32>, tensor<f32>) -> tensor<1xf32>
      %sample.constant_41 = stablehlo.constant dense<512> : tensor<1xi32>
      %sample.multiply_8 = stablehlo.multiply %sample.minimum_2, %sample.constant_41 : tensor<1xi32>
      %sample.add_4 = stablehlo.add %sample.multiply_8, %sample.minimum_3 : tensor<1xi32>
      %sample.select_10 = stablehlo.select %sample.compare_2, %sample.add_4, %sample.greedy : tensor<1xi1>, tensor<1xi32>
      stablehlo.return %sample.select_10 : tensor<1xi32>
    }, {
      stablehlo.return %sample.greedy : tensor<1xi32>
    }) : (tensor<i1>) -> (tensor<1xi32>)
    %sample.broadcast_in_dim_11 = stablehlo.broadcast_in_dim %sample.reduce, dims = [0] : (tensor<1xf32>) -> tensor<1x3x512xf32>
    %sample.subtract_3 = stablehlo.subtract %sample.folded, %sample.broadcast_in_dim_11 : tensor<1x3x512xf32>
    %sample.exponential_2 = stablehlo.exponential %sample.subtract_3 : tensor<1x3x512xf32>
    %sample.constant_42 = stablehlo.constant dense<0.0> : tensor<f32>
    %sample.reduce_14 = stablehlo.reduce(%sample.exponential_2 init: %sample.constant_42) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
    %sample.log = stablehlo.log %sample.reduce_14 : tensor<1xf32>
    %sample.add_5 = stablehlo.add %sample.log, %sample.reduce : tensor<1xf32>
    %sample.broadcast_in_dim_12 = stablehlo.broadcast_in_dim %sample.tokens, dims = [0] : (tensor<1xi32>) -> tensor<1x3x512xi32>
    %sample.compare_17 = stablehlo.compare EQ, %sample.add, %sample.broadcast_in_dim_12, SIGNED : (tensor<1x3x512xi32>, tensor<1x3x512xi32>) -> tensor<1x3x512xi1>
    %sample.constant_43 = stablehlo.constant dense<0.0> : tensor<1x3x512xf32>
    %sample.select_11 = stablehlo.select %sample.compare_17, %sample.folded, %sample.constant_43 : tensor<1x3x512xi1>, tensor<1x3x512xf32>
    %sample.constant_44 = stablehlo.constant dense<0.0> : tensor<f32>
    %sample.reduce_15 = stablehlo.reduce(%sample.select_11 init: %sample.constant_44) applies stablehlo.add across dimensions = [1, 2] : (tensor<1x3x512xf32>, tensor<f32>) -> tensor<1xf32>
    %sample.logprobs = stablehlo.subtract %sample.reduce_15, %sample.add_5 : tensor<1xf32>
    return %layers.0.attention.dynamic_update_slice, %layers.0.attention.dynamic_update_slice_2, %layers.1.attention.custom_call, %layers.1.attention.custom_call_2, %sample.tokens, %sample.logprobs : tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>, tensor<1x12x1024x28xbf16>, tensor<1x12x1024x28xbf16>, tensor<1xi32>, tensor<1xf32>
  }
}
