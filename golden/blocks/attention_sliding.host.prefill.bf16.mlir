module @attention_sliding {
  func.func public @main(
      %rope.cos: tensor<1024x14xf32>,
      %rope.sin: tensor<1024x14xf32>,
      %layers.0.attention.norm: tensor<416xf32>,
      %layers.0.attention.qkv.weight: tensor<1680x416xbf16>,
      %layers.0.attention.qkv.bias: tensor<1680xf32>,
      %layers.0.attention.sinks: tensor<36xf32>,
      %layers.0.attention.out.weight: tensor<416x1008xbf16>,
      %layers.0.attention.out.bias: tensor<416xf32>,
      %cache.0.keys: tensor<1x12x40x28xbf16> {tf.aliasing_output = 0 : i32},
      %cache.0.values: tensor<1x12x40x28xbf16> {tf.aliasing_output = 1 : i32},
      %x: tensor<48x416xf32>,
      %sequence: tensor<i32>,
      %start: tensor<i32>,
      %count: tensor<i32>) -> (tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>, tensor<48x416xf32>) {
    %rope.iota = stablehlo.iota dim = 0 : tensor<48xi32>
    %rope.broadcast_in_dim = stablehlo.broadcast_in_dim %start, dims = [] : (tensor<i32>) -> tensor<48xi32>
    %rope.add = stablehlo.add %rope.iota, %rope.broadcast_in_dim : tensor<48xi32>
    %rope.cos_2 = "stablehlo.gather"(%rope.cos, %rope.add) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 14>}> : (tensor<1024x14xf32>, tensor<48xi32>) -> tensor<48x14xf32>
    %rope.sin_2 = "stablehlo.gather"(%rope.sin, %rope.add) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 14>}> : (tensor<1024x14xf32>, tensor<48xi32>) -> tensor<48x14xf32>
    %attention.norm.multiply = stablehlo.multiply %x, %x : tensor<48x416xf32>
    %attention.norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
    %attention.norm.reduce = stablehlo.reduce(%attention.norm.multiply init: %attention.norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<48x416xf32>, tensor<f32>) -> tensor<48xf32>
    %attention.norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<48xf32>
    %attention.norm.divide = stablehlo.divide %attention.norm.reduce, %attention.norm.constant_2 : tensor<48xf32>
    %attention.norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<48xf32>
    %attention.norm.add = stablehlo.add %attention.norm.divide, %attention.norm.constant_3 : tensor<48xf32>
    %attention.norm.rsqrt = stablehlo.rsqrt %attention.norm.add : tensor<48xf32>
    %attention.norm.broadcast_in_dim = stablehlo.broadcast_in_dim %attention.norm.rsqrt, dims = [0] : (tensor<48xf32>) -> tensor<48x416xf32>
    %attention.norm.multiply_2 = stablehlo.multiply %x, %attention.norm.broadcast_in_dim : tensor<48x416xf32>
    %attention.norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.0.attention.norm, dims = [1] : (tensor<416xf32>) -> tensor<48x416xf32>
    %attention.norm.multiply_3 = stablehlo.multiply %attention.norm.multiply_2, %attention.norm.broadcast_in_dim_2 : tensor<48x416xf32>
    %attention.convert = stablehlo.convert %attention.norm.multiply_3 : (tensor<48x416xf32>) -> tensor<48x416xbf16>
    %attention.custom_call = stablehlo.custom_call @precast.product.1(%attention.convert, %layers.0.attention.qkv.weight) {api_version = 4 : i32, backend_config = {}} : (tensor<48x416xbf16>, tensor<1680x416xbf16>) -> tensor<48x1680xf32>
    %attention.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.0.attention.qkv.bias, dims = [1] : (tensor<1680xf32>) -> tensor<48x1680xf32>
    %attention.add = stablehlo.add %attention.custom_call, %attention.broadcast_in_dim : tensor<48x1680xf32>
    %attention.reshape = stablehlo.reshape %attention.add : (tensor<48x1680xf32>) -> tensor<48x12x5x28xf32>
    %attention.slice = stablehlo.slice %attention.reshape [0:48, 0:12, 0:3, 0:28] : (tensor<48x12x5x28xf32>) -> tensor<48x12x3x28xf32>
    %attention.slice_2 = stablehlo.slice %attention.slice [0:48, 0:12, 0:3, 0:14] : (tensor<48x12x3x28xf32>) -> tensor<48x12x3x14xf32>
    %attention.slice_3 = stablehlo.slice %attention.slice [0:48, 0:12, 0:3, 14:28] : (tensor<48x12x3x28xf32>) -> tensor<48x12x3x14xf32>
    %attention.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %rope.cos_2, dims = [0, 3] : (tensor<48x14xf32>) -> tensor<48x12x3x14xf32>
    %attention.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %rope.sin_2, dims = [0, 3] : (tensor<48x14xf32>) -> tensor<48x12x3x14xf32>
    %attention.multiply = stablehlo.multiply %attention.slice_2, %attention.broadcast_in_dim_2 : tensor<48x12x3x14xf32>
    %attention.multiply_2 = stablehlo.multiply %attention.slice_3, %attention.broadcast_in_dim_3 : tensor<48x12x3x14xf32>
    %attention.subtract = stablehlo.subtract %attention.multiply, %attention.multiply_2 : tensor<48x12x3x14xf32>
    %attention.multiply_3 = stablehlo.multiply %attention.slice_3, %attention.broadcast_in_dim_2 : tensor<48x12x3x14xf32>
    %attention.multiply_4 = stablehlo.multiply %attention.slice_2, %attention.broadcast_in_dim_3 : tensor<48x12x3x14xf32>
    %attention.add_2 = stablehlo.add %attention.multiply_3, %attention.multiply_4 : tensor<48x12x3x14xf32>
    %attention.concatenate = stablehlo.concatenate %attention.subtract, %attention.add_2, dim = 3 : (tensor<48x12x3x14xf32>, tensor<48x12x3x14xf32>) -> tensor<48x12x3x28xf32>
    %attention.convert_2 = stablehlo.convert %attention.concatenate : (tensor<48x12x3x28xf32>) -> tensor<48x12x3x28xbf16>
    %attention.queries = stablehlo.reshape %attention.convert_2 : (tensor<48x12x3x28xbf16>) -> tensor<1x48x12x3x28xbf16>
    %attention.keys.slice = stablehlo.slice %attention.reshape [0:48, 0:12, 3:4, 0:28] : (tensor<48x12x5x28xf32>) -> tensor<48x12x1x28xf32>
    %attention.keys.slice_2 = stablehlo.slice %attention.keys.slice [0:48, 0:12, 0:1, 0:14] : (tensor<48x12x1x28xf32>) -> tensor<48x12x1x14xf32>
    %attention.keys.slice_3 = stablehlo.slice %attention.keys.slice [0:48, 0:12, 0:1, 14:28] : (tensor<48x12x1x28xf32>) -> tensor<48x12x1x14xf32>
    %attention.keys.broadcast_in_dim = stablehlo.broadcast_in_dim %rope.cos_2, dims = [0, 3] : (tensor<48x14xf32>) -> tensor<48x12x1x14xf32>
    %attention.keys.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %rope.sin_2, dims = [0, 3] : (tensor<48x14xf32>) -> tensor<48x12x1x14xf32>
    %attention.keys.multiply = stablehlo.multiply %attention.keys.slice_2, %attention.keys.broadcast_in_dim : tensor<48x12x1x14xf32>
    %attention.keys.multiply_2 = stablehlo.multiply %attention.keys.slice_3, %attention.keys.broadcast_in_dim_2 : tensor<48x12x1x14xf32>
    %attention.keys.subtract = stablehlo.subtract %attention.keys.multiply, %attention.keys.multiply_2 : tensor<48x12x1x14xf32>
    %attention.keys.multiply_3 = stablehlo.multiply %attention.keys.slice_3, %attention.keys.broadcast_in_dim : tensor<48x12x1x14xf32>
    %attention.keys.multiply_4 = stablehlo.multiply %attention.keys.slice_2, %attention.keys.broadcast_in_dim_2 : tensor<48x12x1x14xf32>
    %attention.keys.add = stablehlo.add %attention.keys.multiply_3, %attention.keys.multiply_4 : tensor<48x12x1x14xf32>
    %attention.keys.concatenate = stablehlo.concatenate %attention.keys.subtract, %attention.keys.add, dim = 3 : (tensor<48x12x1x14xf32>, tensor<48x12x1x14xf32>) -> tensor<48x12x1x28xf32>
    %attention.keys.reshape = stablehlo.reshape %attention.keys.concatenate : (tensor<48x12x1x28xf32>) -> tensor<1x48x12x28xf32>
    %attention.keys.transpose = stablehlo.transpose %attention.keys.reshape, dims = [0, 2, 1, 3] : (tensor<1x48x12x28xf32>) -> tensor<1x12x48x28xf32>
    %attention.keys.convert = stablehlo.convert %attention.keys.transpose : (tensor<1x12x48x28xf32>) -> tensor<1x12x48x28xbf16>
    %attention.values.slice = stablehlo.slice %attention.reshape [0:48, 0:12, 4:5, 0:28] : (tensor<48x12x5x28xf32>) -> tensor<48x12x1x28xf32>
    %attention.values.reshape = stablehlo.reshape %attention.values.slice : (tensor<48x12x1x28xf32>) -> tensor<1x48x12x28xf32>
    %attention.values.transpose = stablehlo.transpose %attention.values.reshape, dims = [0, 2, 1, 3] : (tensor<1x48x12x28xf32>) -> tensor<1x12x48x28xf32>
    %attention.values.convert = stablehlo.convert %attention.values.transpose : (tensor<1x12x48x28xf32>) -> tensor<1x12x48x28xbf16>
    %attention.iota = stablehlo.iota dim = 0 : tensor<48xi32>
    %attention.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %start, dims = [] : (tensor<i32>) -> tensor<48xi32>
    %attention.add_3 = stablehlo.add %attention.iota, %attention.broadcast_in_dim_4 : tensor<48xi32>
    %attention.reshape_3 = stablehlo.reshape %attention.add_3 : (tensor<48xi32>) -> tensor<1x48xi32>
    %attention.constant = stablehlo.constant dense<0> : tensor<i32>
    %attention.constant_2 = stablehlo.constant dense<0> : tensor<i32>
    %attention.dynamic_slice = stablehlo.dynamic_slice %cache.0.keys, %sequence, %attention.constant_2, %attention.constant, %attention.constant_2, sizes = [1, 12, 40, 28] : (tensor<1x12x40x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %attention.concatenate_2 = stablehlo.concatenate %attention.dynamic_slice, %attention.dynamic_slice, dim = 2 : (tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>) -> tensor<1x12x80x28xbf16>
    %attention.constant_3 = stablehlo.constant dense<40> : tensor<i32>
    %attention.remainder = stablehlo.remainder %start, %attention.constant_3 : tensor<i32>
    %attention.constant_4 = stablehlo.constant dense<0> : tensor<i32>
    %attention.dynamic_slice_2 = stablehlo.dynamic_slice %attention.concatenate_2, %attention.constant, %attention.constant_4, %attention.remainder, %attention.constant_4, sizes = [1, 12, 40, 28] : (tensor<1x12x80x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %attention.seen = stablehlo.concatenate %attention.dynamic_slice_2, %attention.keys.convert, dim = 2 : (tensor<1x12x40x28xbf16>, tensor<1x12x48x28xbf16>) -> tensor<1x12x88x28xbf16>
    %attention.constant_5 = stablehlo.constant dense<0> : tensor<i32>
    %attention.dynamic_slice_3 = stablehlo.dynamic_slice %attention.seen, %attention.constant, %attention.constant_5, %count, %attention.constant_5, sizes = [1, 12, 40, 28] : (tensor<1x12x88x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %attention.add_4 = stablehlo.add %start, %count : tensor<i32>
    %attention.constant_6 = stablehlo.constant dense<40> : tensor<i32>
    %attention.remainder_2 = stablehlo.remainder %attention.add_4, %attention.constant_6 : tensor<i32>
    %attention.concatenate_4 = stablehlo.concatenate %attention.dynamic_slice_3, %attention.dynamic_slice_3, dim = 2 : (tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>) -> tensor<1x12x80x28xbf16>
    %attention.negate = stablehlo.negate %attention.remainder_2 : tensor<i32>
    %attention.constant_7 = stablehlo.constant dense<40> : tensor<i32>
    %attention.add_5 = stablehlo.add %attention.negate, %attention.constant_7 : tensor<i32>
    %attention.constant_8 = stablehlo.constant dense<0> : tensor<i32>
    %attention.dynamic_slice_4 = stablehlo.dynamic_slice %attention.concatenate_4, %attention.constant, %attention.constant_8, %attention.add_5, %attention.constant_8, sizes = [1, 12, 40, 28] : (tensor<1x12x80x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %attention.constant_9 = stablehlo.constant dense<0> : tensor<i32>
    %attention.dynamic_update_slice = stablehlo.dynamic_update_slice %cache.0.keys, %attention.dynamic_slice_4, %sequence, %attention.constant_9, %attention.constant, %attention.constant_9 : (tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %attention.constant_10 = stablehlo.constant dense<0> : tensor<i32>
    %attention.constant_11 = stablehlo.constant dense<0> : tensor<i32>
    %attention.dynamic_slice_5 = stablehlo.dynamic_slice %cache.0.values, %sequence, %attention.constant_11, %attention.constant_10, %attention.constant_11, sizes = [1, 12, 40, 28] : (tensor<1x12x40x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %attention.concatenate_5 = stablehlo.concatenate %attention.dynamic_slice_5, %attention.dynamic_slice_5, dim = 2 : (tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>) -> tensor<1x12x80x28xbf16>
    %attention.constant_12 = stablehlo.constant dense<40> : tensor<i32>
    %attention.remainder_3 = stablehlo.remainder %start, %attention.constant_12 : tensor<i32>
    %attention.constant_13 = stablehlo.constant dense<0> : tensor<i32>
    %attention.dynamic_slice_6 = stablehlo.dynamic_slice %attention.concatenate_5, %attention.constant_10, %attention.constant_13, %attention.remainder_3, %attention.constant_13, sizes = [1, 12, 40, 28] : (tensor<1x12x80x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %attention.seen_2 = stablehlo.concatenate %attention.dynamic_slice_6, %attention.values.convert, dim = 2 : (tensor<1x12x40x28xbf16>, tensor<1x12x48x28xbf16>) -> tensor<1x12x88x28xbf16>
    %attention.constant_14 = stablehlo.constant dense<0> : tensor<i32>
    %attention.dynamic_slice_7 = stablehlo.dynamic_slice %attention.seen_2, %attention.constant_10, %attention.constant_14, %count, %attention.constant_14, sizes = [1, 12, 40, 28] : (tensor<1x12x88x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %attention.add_6 = stablehlo.add %start, %count : tensor<i32>
    %attention.constant_15 = stablehlo.constant dense<40> : tensor<i32>
    %attention.remainder_4 = stablehlo.remainder %attention.add_6, %attention.constant_15 : tensor<i32>
    %attention.concatenate_7 = stablehlo.concatenate %attention.dynamic_slice_7, %attention.dynamic_slice_7, dim = 2 : (tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>) -> tensor<1x12x80x28xbf16>
    %attention.negate_2 = stablehlo.negate %attention.remainder_4 : tensor<i32>
    %attention.constant_16 = stablehlo.constant dense<40> : tensor<i32>
    %attention.add_7 = stablehlo.add %attention.negate_2, %attention.constant_16 : tensor<i32>
    %attention.constant_17 = stablehlo.constant dense<0> : tensor<i32>
    %attention.dynamic_slice_8 = stablehlo.dynamic_slice %attention.concatenate_7, %attention.constant_10, %attention.constant_17, %attention.add_7, %attention.constant_17, sizes = [1, 12, 40, 28] : (tensor<1x12x80x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %attention.constant_18 = stablehlo.constant dense<0> : tensor<i32>
    %attention.dynamic_update_slice_2 = stablehlo.dynamic_update_slice %cache.0.values, %attention.dynamic_slice_8, %sequence, %attention.constant_18, %attention.constant_10, %attention.constant_18 : (tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
    %attention.iota_2 = stablehlo.iota dim = 1 : tensor<1x48x88xi32>
    %attention.constant_19 = stablehlo.constant dense<40> : tensor<1x48x88xi32>
    %attention.add_8 = stablehlo.add %attention.iota_2, %attention.constant_19 : tensor<1x48x88xi32>
    %attention.iota_3 = stablehlo.iota dim = 2 : tensor<1x48x88xi32>
    %attention.iota_4 = stablehlo.iota dim = 0 : tensor<1x48x88xi32>
    %attention.constant_20 = stablehlo.constant dense<48> : tensor<1x48x88xi32>
    %attention.multiply_5 = stablehlo.multiply %attention.iota_4, %attention.constant_20 : tensor<1x48x88xi32>
    %attention.add_9 = stablehlo.add %attention.multiply_5, %attention.iota_3 : tensor<1x48x88xi32>
    %attention.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %start, dims = [] : (tensor<i32>) -> tensor<1x48x88xi32>
    %attention.add_10 = stablehlo.add %attention.add_9, %attention.broadcast_in_dim_5 : tensor<1x48x88xi32>
    %attention.constant_21 = stablehlo.constant dense<40> : tensor<1x48x88xi32>
    %attention.subtract_2 = stablehlo.subtract %attention.add_10, %attention.constant_21 : tensor<1x48x88xi32>
    %attention.compare = stablehlo.compare LE, %attention.iota_3, %attention.add_8, SIGNED : (tensor<1x48x88xi32>, tensor<1x48x88xi32>) -> tensor<1x48x88xi1>
    %attention.constant_22 = stablehlo.constant dense<40> : tensor<1x48x88xi32>
    %attention.subtract_3 = stablehlo.subtract %attention.add_8, %attention.constant_22 : tensor<1x48x88xi32>
    %attention.compare_2 = stablehlo.compare GT, %attention.iota_3, %attention.subtract_3, SIGNED : (tensor<1x48x88xi32>, tensor<1x48x88xi32>) -> tensor<1x48x88xi1>
    %attention.and = stablehlo.and %attention.compare, %attention.compare_2 : tensor<1x48x88xi1>
    %attention.constant_23 = stablehlo.constant dense<0> : tensor<1x48x88xi32>
    %attention.compare_3 = stablehlo.compare GE, %attention.subtract_2, %attention.constant_23, SIGNED : (tensor<1x48x88xi32>, tensor<1x48x88xi32>) -> tensor<1x48x88xi1>
    %attention.and_2 = stablehlo.and %attention.and, %attention.compare_3 : tensor<1x48x88xi1>
    %attention.reshape_4 = stablehlo.reshape %layers.0.attention.sinks : (tensor<36xf32>) -> tensor<12x3xf32>
    %attention.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %attention.reshape_4, dims = [1, 3] : (tensor<12x3xf32>) -> tensor<1x12x48x3xf32>
    %attention.constant_24 = stablehlo.constant dense<0.0> : tensor<1x12x48x3x28xf32>
    %attention.constant_25 = stablehlo.constant dense<1.0> : tensor<1x12x48x3x1xf32>
    %attention.concatenate_8 = stablehlo.concatenate %attention.constant_24, %attention.constant_25, dim = 4 : (tensor<1x12x48x3x28xf32>, tensor<1x12x48x3x1xf32>) -> tensor<1x12x48x3x29xf32>
    %attention.dot_general = stablehlo.dot_general %attention.queries, %attention.seen, batching_dims = [0, 2] x [0, 1], contracting_dims = [4] x [3] : (tensor<1x48x12x3x28xbf16>, tensor<1x12x88x28xbf16>) -> tensor<1x12x48x3x88xf32>
    %attention.constant_26 = stablehlo.constant dense<1.8898223e-1> : tensor<1x12x48x3x88xf32>
    %attention.multiply_6 = stablehlo.multiply %attention.dot_general, %attention.constant_26 : tensor<1x12x48x3x88xf32>
    %attention.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %attention.and_2, dims = [0, 2, 4] : (tensor<1x48x88xi1>) -> tensor<1x12x48x3x88xi1>
    %attention.constant_27 = stablehlo.constant dense<0xFF800000> : tensor<1x12x48x3x88xf32>
    %attention.scores = stablehlo.select %attention.broadcast_in_dim_7, %attention.multiply_6, %attention.constant_27 : tensor<1x12x48x3x88xi1>, tensor<1x12x48x3x88xf32>
    %attention.constant_28 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %attention.reduce = stablehlo.reduce(%attention.scores init: %attention.constant_28) applies stablehlo.maximum across dimensions = [4] : (tensor<1x12x48x3x88xf32>, tensor<f32>) -> tensor<1x12x48x3xf32>
    %attention.maximum = stablehlo.maximum %attention.broadcast_in_dim_6, %attention.reduce : tensor<1x12x48x3xf32>
    %attention.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %attention.maximum, dims = [0, 1, 2, 3] : (tensor<1x12x48x3xf32>) -> tensor<1x12x48x3x88xf32>
    %attention.subtract_4 = stablehlo.subtract %attention.scores, %attention.broadcast_in_dim_8 : tensor<1x12x48x3x88xf32>
    %attention.weight = stablehlo.exponential %attention.subtract_4 : tensor<1x12x48x3x88xf32>
    %attention.subtract_5 = stablehlo.subtract %attention.broadcast_in_dim_6, %attention.maximum : tensor<1x12x48x3xf32>
    %attention.exponential_2 = stablehlo.exponential %attention.subtract_5 : tensor<1x12x48x3xf32>
    %attention.constant_29 = stablehlo.constant dense<1.0> : tensor<1x12x88x1xbf16>
    %attention.concatenate_9 = stablehlo.concatenate %attention.seen_2, %attention.constant_29, dim = 3 : (tensor<1x12x88x28xbf16>, tensor<1x12x88x1xbf16>) -> tensor<1x12x88x29xbf16>
    %attention.convert_3 = stablehlo.convert %attention.weight : (tensor<1x12x48x3x88xf32>) -> tensor<1x12x48x3x88xbf16>
    %attention.dot_general_2 = stablehlo.dot_general %attention.convert_3, %attention.concatenate_9, batching_dims = [0, 1] x [0, 1], contracting_dims = [4] x [2] : (tensor<1x12x48x3x88xbf16>, tensor<1x12x88x29xbf16>) -> tensor<1x12x48x3x29xf32>
    %attention.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %attention.exponential_2, dims = [0, 1, 2, 3] : (tensor<1x12x48x3xf32>) -> tensor<1x12x48x3x29xf32>
    %attention.multiply_7 = stablehlo.multiply %attention.concatenate_8, %attention.broadcast_in_dim_9 : tensor<1x12x48x3x29xf32>
    %attention.add_11 = stablehlo.add %attention.multiply_7, %attention.dot_general_2 : tensor<1x12x48x3x29xf32>
    %attention.slice_4 = stablehlo.slice %attention.add_11 [0:1, 0:12, 0:48, 0:3, 28:29] : (tensor<1x12x48x3x29xf32>) -> tensor<1x12x48x3x1xf32>
    %attention.reshape_5 = stablehlo.reshape %attention.slice_4 : (tensor<1x12x48x3x1xf32>) -> tensor<1x12x48x3xf32>
    %attention.slice_5 = stablehlo.slice %attention.add_11 [0:1, 0:12, 0:48, 0:3, 0:28] : (tensor<1x12x48x3x29xf32>) -> tensor<1x12x48x3x28xf32>
    %attention.broadcast_in_dim_10 = stablehlo.broadcast_in_dim %attention.reshape_5, dims = [0, 1, 2, 3] : (tensor<1x12x48x3xf32>) -> tensor<1x12x48x3x28xf32>
    %attention.divide = stablehlo.divide %attention.slice_5, %attention.broadcast_in_dim_10 : tensor<1x12x48x3x28xf32>
    %attention.transpose = stablehlo.transpose %attention.divide, dims = [0, 2, 1, 3, 4] : (tensor<1x12x48x3x28xf32>) -> tensor<1x48x12x3x28xf32>
    %attention.attended = stablehlo.reshape %attention.transpose : (tensor<1x48x12x3x28xf32>) -> tensor<48x1008xf32>
    %attention.convert_4 = stablehlo.convert %attention.attended : (tensor<48x1008xf32>) -> tensor<48x1008xbf16>
    %attention.custom_call_2 = stablehlo.custom_call @precast.product.1(%attention.convert_4, %layers.0.attention.out.weight) {api_version = 4 : i32, backend_config = {}} : (tensor<48x1008xbf16>, tensor<416x1008xbf16>) -> tensor<48x416xf32>
    %attention.broadcast_in_dim_11 = stablehlo.broadcast_in_dim %layers.0.attention.out.bias, dims = [1] : (tensor<416xf32>) -> tensor<48x416xf32>
    %attention.add_12 = stablehlo.add %attention.custom_call_2, %attention.broadcast_in_dim_11 : tensor<48x416xf32>
    %add = stablehlo.add %x, %attention.add_12 : tensor<48x416xf32>
    return %attention.dynamic_update_slice, %attention.dynamic_update_slice_2, %add : tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>, tensor<48x416xf32>
  }
}
