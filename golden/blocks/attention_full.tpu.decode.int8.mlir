module @attention_full {
  func.func public @main(
      %rope.cos: tensor<1024x14xf32>,
      %rope.sin: tensor<1024x14xf32>,
      %layers.0.attention.norm: tensor<416xf32>,
      %layers.0.attention.qkv.weight: tensor<1680x416xbf16>,
      %layers.0.attention.qkv.bias: tensor<1680xf32>,
      %layers.0.attention.sinks: tensor<36xf32>,
      %layers.0.attention.out.weight: tensor<416x1008xbf16>,
      %layers.0.attention.out.bias: tensor<416xf32>,
      %cache.0.keys: tensor<1x12x1024x28xi8> {tf.aliasing_output = 0 : i32},
      %cache.0.keys.scales: tensor<1x12x1024xf32> {tf.aliasing_output = 1 : i32},
      %cache.0.values: tensor<1x12x1024x28xi8> {tf.aliasing_output = 2 : i32},
      %cache.0.values.scales: tensor<1x12x1024xf32> {tf.aliasing_output = 3 : i32},
      %x: tensor<1x416xf32>,
      %positions: tensor<1xi32>) -> (tensor<1x12x1024x28xi8>, tensor<1x12x1024xf32>, tensor<1x12x1024x28xi8>, tensor<1x12x1024xf32>, tensor<1x416xf32>) {
    %rope.cos_2 = "stablehlo.gather"(%rope.cos, %positions) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 14>}> : (tensor<1024x14xf32>, tensor<1xi32>) -> tensor<1x14xf32>
    %rope.sin_2 = "stablehlo.gather"(%rope.sin, %positions) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 14>}> : (tensor<1024x14xf32>, tensor<1xi32>) -> tensor<1x14xf32>
    %attention.norm.multiply = stablehlo.multiply %x, %x : tensor<1x416xf32>
    %attention.norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
    %attention.norm.reduce = stablehlo.reduce(%attention.norm.multiply init: %attention.norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<1x416xf32>, tensor<f32>) -> tensor<1xf32>
    %attention.norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<1xf32>
    %attention.norm.divide = stablehlo.divide %attention.norm.reduce, %attention.norm.constant_2 : tensor<1xf32>
    %attention.norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<1xf32>
    %attention.norm.add = stablehlo.add %attention.norm.divide, %attention.norm.constant_3 : tensor<1xf32>
    %attention.norm.rsqrt = stablehlo.rsqrt %attention.norm.add : tensor<1xf32>
    %attention.norm.broadcast_in_dim = stablehlo.broadcast_in_dim %attention.norm.rsqrt, dims = [0] : (tensor<1xf32>) -> tensor<1x416xf32>
    %attention.norm.multiply_2 = stablehlo.multiply %x, %attention.norm.broadcast_in_dim : tensor<1x416xf32>
    %attention.norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.0.attention.norm, dims = [1] : (tensor<416xf32>) -> tensor<1x416xf32>
    %attention.norm.multiply_3 = stablehlo.multiply %attention.norm.multiply_2, %attention.norm.broadcast_in_dim_2 : tensor<1x416xf32>
    %attention.convert = stablehlo.convert %attention.norm.multiply_3 : (tensor<1x416xf32>) -> tensor<1x416xbf16>
    %attention.constant = stablehlo.constant dense<0.0> : tensor<7x416xbf16>
    %attention.concatenate = stablehlo.concatenate %attention.convert, %attention.constant, dim = 0 : (tensor<1x416xbf16>, tensor<7x416xbf16>) -> tensor<8x416xbf16>
    %attention.dot_general = stablehlo.dot_general %attention.concatenate, %layers.0.attention.qkv.weight, contracting_dims = [1] x [1] : (tensor<8x416xbf16>, tensor<1680x416xbf16>) -> tensor<8x1680xf32>
    %attention.optimization_barrier = stablehlo.optimization_barrier %attention.dot_general : tensor<8x1680xf32>
    %attention.slice = stablehlo.slice %attention.optimization_barrier [0:1, 0:1680] : (tensor<8x1680xf32>) -> tensor<1x1680xf32>
    %attention.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.0.attention.qkv.bias, dims = [1] : (tensor<1680xf32>) -> tensor<1x1680xf32>
    %attention.add = stablehlo.add %attention.slice, %attention.broadcast_in_dim : tensor<1x1680xf32>
    %attention.reshape = stablehlo.reshape %attention.add : (tensor<1x1680xf32>) -> tensor<1x12x5x28xf32>
    %attention.slice_2 = stablehlo.slice %attention.reshape [0:1, 0:12, 0:3, 0:28] : (tensor<1x12x5x28xf32>) -> tensor<1x12x3x28xf32>
    %attention.slice_3 = stablehlo.slice %attention.slice_2 [0:1, 0:12, 0:3, 0:14] : (tensor<1x12x3x28xf32>) -> tensor<1x12x3x14xf32>
    %attention.slice_4 = stablehlo.slice %attention.slice_2 [0:1, 0:12, 0:3, 14:28] : (tensor<1x12x3x28xf32>) -> tensor<1x12x3x14xf32>
    %attention.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %rope.cos_2, dims = [0, 3] : (tensor<1x14xf32>) -> tensor<1x12x3x14xf32>
    %attention.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %rope.sin_2, dims = [0, 3] : (tensor<1x14xf32>) -> tensor<1x12x3x14xf32>
    %attention.multiply = stablehlo.multiply %attention.slice_3, %attention.broadcast_in_dim_2 : tensor<1x12x3x14xf32>
    %attention.multiply_2 = stablehlo.multiply %attention.slice_4, %attention.broadcast_in_dim_3 : tensor<1x12x3x14xf32>
    %attention.subtract = stablehlo.subtract %attention.multiply, %attention.multiply_2 : tensor<1x12x3x14xf32>
    %attention.multiply_3 = stablehlo.multiply %attention.slice_4, %attention.broadcast_in_dim_2 : tensor<1x12x3x14xf32>
    %attention.multiply_4 = stablehlo.multiply %attention.slice_3, %attention.broadcast_in_dim_3 : tensor<1x12x3x14xf32>
    %attention.add_2 = stablehlo.add %attention.multiply_3, %attention.multiply_4 : tensor<1x12x3x14xf32>
    %attention.concatenate_2 = stablehlo.concatenate %attention.subtract, %attention.add_2, dim = 3 : (tensor<1x12x3x14xf32>, tensor<1x12x3x14xf32>) -> tensor<1x12x3x28xf32>
    %attention.convert_2 = stablehlo.convert %attention.concatenate_2 : (tensor<1x12x3x28xf32>) -> tensor<1x12x3x28xbf16>
    %attention.queries = stablehlo.reshape %attention.convert_2 : (tensor<1x12x3x28xbf16>) -> tensor<1x1x12x3x28xbf16>
    %attention.keys.slice = stablehlo.slice %attention.reshape [0:1, 0:12, 3:4, 0:28] : (tensor<1x12x5x28xf32>) -> tensor<1x12x1x28xf32>
    %attention.keys.slice_2 = stablehlo.slice %attention.keys.slice [0:1, 0:12, 0:1, 0:14] : (tensor<1x12x1x28xf32>) -> tensor<1x12x1x14xf32>
    %attention.keys.slice_3 = stablehlo.slice %attention.keys.slice [0:1, 0:12, 0:1, 14:28] : (tensor<1x12x1x28xf32>) -> tensor<1x12x1x14xf32>
    %attention.keys.broadcast_in_dim = stablehlo.broadcast_in_dim %rope.cos_2, dims = [0, 3] : (tensor<1x14xf32>) -> tensor<1x12x1x14xf32>
    %attention.keys.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %rope.sin_2, dims = [0, 3] : (tensor<1x14xf32>) -> tensor<1x12x1x14xf32>
    %attention.keys.multiply = stablehlo.multiply %attention.keys.slice_2, %attention.keys.broadcast_in_dim : tensor<1x12x1x14xf32>
    %attention.keys.multiply_2 = stablehlo.multiply %attention.keys.slice_3, %attention.keys.broadcast_in_dim_2 : tensor<1x12x1x14xf32>
    %attention.keys.subtract = stablehlo.subtract %attention.keys.multiply, %attention.keys.multiply_2 : tensor<1x12x1x14xf32>
    %attention.keys.multiply_3 = stablehlo.multiply %attention.keys.slice_3, %attention.keys.broadcast_in_dim : tensor<1x12x1x14xf32>
    %attention.keys.multiply_4 = stablehlo.multiply %attention.keys.slice_2, %attention.keys.broadcast_in_dim_2 : tensor<1x12x1x14xf32>
    %attention.keys.add = stablehlo.add %attention.keys.multiply_3, %attention.keys.multiply_4 : tensor<1x12x1x14xf32>
    %attention.keys.concatenate = stablehlo.concatenate %attention.keys.subtract, %attention.keys.add, dim = 3 : (tensor<1x12x1x14xf32>, tensor<1x12x1x14xf32>) -> tensor<1x12x1x28xf32>
    %attention.keys.reshape = stablehlo.reshape %attention.keys.concatenate : (tensor<1x12x1x28xf32>) -> tensor<1x1x12x28xf32>
    %attention.keys.transpose = stablehlo.transpose %attention.keys.reshape, dims = [0, 2, 1, 3] : (tensor<1x1x12x28xf32>) -> tensor<1x12x1x28xf32>
    %attention.keys.negate = stablehlo.negate %attention.keys.transpose : tensor<1x12x1x28xf32>
    %attention.keys.maximum = stablehlo.maximum %attention.keys.transpose, %attention.keys.negate : tensor<1x12x1x28xf32>
    %attention.keys.constant = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %attention.keys.reduce = stablehlo.reduce(%attention.keys.maximum init: %attention.keys.constant) applies stablehlo.maximum across dimensions = [3] : (tensor<1x12x1x28xf32>, tensor<f32>) -> tensor<1x12x1xf32>
    %attention.keys.constant_2 = stablehlo.constant dense<1.27e2> : tensor<1x12x1xf32>
    %attention.keys.divide = stablehlo.divide %attention.keys.reduce, %attention.keys.constant_2 : tensor<1x12x1xf32>
    %attention.keys.constant_3 = stablehlo.constant dense<1.1754944e-38> : tensor<1x12x1xf32>
    %attention.keys.scales = stablehlo.maximum %attention.keys.divide, %attention.keys.constant_3 : tensor<1x12x1xf32>
    %attention.keys.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %attention.keys.scales, dims = [0, 1, 2] : (tensor<1x12x1xf32>) -> tensor<1x12x1x28xf32>
    %attention.keys.divide_2 = stablehlo.divide %attention.keys.transpose, %attention.keys.broadcast_in_dim_3 : tensor<1x12x1x28xf32>
    %attention.keys.constant_4 = stablehlo.constant dense<5.0e-1> : tensor<1x12x1x28xf32>
    %attention.keys.add_2 = stablehlo.add %attention.keys.divide_2, %attention.keys.constant_4 : tensor<1x12x1x28xf32>
    %attention.keys.floor = stablehlo.floor %attention.keys.add_2 : tensor<1x12x1x28xf32>
    %attention.keys.convert = stablehlo.convert %attention.keys.floor : (tensor<1x12x1x28xf32>) -> tensor<1x12x1x28xi8>
    %attention.values.slice = stablehlo.slice %attention.reshape [0:1, 0:12, 4:5, 0:28] : (tensor<1x12x5x28xf32>) -> tensor<1x12x1x28xf32>
    %attention.values.reshape = stablehlo.reshape %attention.values.slice : (tensor<1x12x1x28xf32>) -> tensor<1x1x12x28xf32>
    %attention.values.transpose = stablehlo.transpose %attention.values.reshape, dims = [0, 2, 1, 3] : (tensor<1x1x12x28xf32>) -> tensor<1x12x1x28xf32>
    %attention.values.negate = stablehlo.negate %attention.values.transpose : tensor<1x12x1x28xf32>
    %attention.values.maximum = stablehlo.maximum %attention.values.transpose, %attention.values.negate : tensor<1x12x1x28xf32>
    %attention.values.constant = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %attention.values.reduce = stablehlo.reduce(%attention.values.maximum init: %attention.values.constant) applies stablehlo.maximum across dimensions = [3] : (tensor<1x12x1x28xf32>, tensor<f32>) -> tensor<1x12x1xf32>
    %attention.values.constant_2 = stablehlo.constant dense<1.27e2> : tensor<1x12x1xf32>
    %attention.values.divide = stablehlo.divide %attention.values.reduce, %attention.values.constant_2 : tensor<1x12x1xf32>
    %attention.values.constant_3 = stablehlo.constant dense<1.1754944e-38> : tensor<1x12x1xf32>
    %attention.values.scales = stablehlo.maximum %attention.values.divide, %attention.values.constant_3 : tensor<1x12x1xf32>
    %attention.values.broadcast_in_dim = stablehlo.broadcast_in_dim %attention.values.scales, dims = [0, 1, 2] : (tensor<1x12x1xf32>) -> tensor<1x12x1x28xf32>
    %attention.values.divide_2 = stablehlo.divide %attention.values.transpose, %attention.values.broadcast_in_dim : tensor<1x12x1x28xf32>
    %attention.values.constant_4 = stablehlo.constant dense<5.0e-1> : tensor<1x12x1x28xf32>
    %attention.values.add = stablehlo.add %attention.values.divide_2, %attention.values.constant_4 : tensor<1x12x1x28xf32>
    %attention.values.floor = stablehlo.floor %attention.values.add : tensor<1x12x1x28xf32>
    %attention.values.convert = stablehlo.convert %attention.values.floor : (tensor<1x12x1x28xf32>) -> tensor<1x12x1x28xi8>
    %attention.reshape_3 = stablehlo.reshape %positions : (tensor<1xi32>) -> tensor<1x1xi32>
    %attention.slice_5 = stablehlo.slice %positions [0:1] : (tensor<1xi32>) -> tensor<1xi32>
    %attention.reshape_4 = stablehlo.reshape %attention.slice_5 : (tensor<1xi32>) -> tensor<i32>
    %attention.slice_6 = stablehlo.slice %attention.keys.scales [0:1, 0:12, 0:1] : (tensor<1x12x1xf32>) -> tensor<1x12x1xf32>
    %attention.constant_2 = stablehlo.constant dense<0> : tensor<i32>
    %attention.constant_3 = stablehlo.constant dense<0> : tensor<i32>
    %attention.dynamic_update_slice = stablehlo.dynamic_update_slice %cache.0.keys.scales, %attention.slice_6, %attention.constant_2, %attention.constant_3, %attention.reshape_4 : (tensor<1x12x1024xf32>, tensor<1x12x1xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x1024xf32>
    %attention.slice_7 = stablehlo.slice %positions [0:1] : (tensor<1xi32>) -> tensor<1xi32>
    %attention.reshape_5 = stablehlo.reshape %attention.slice_7 : (tensor<1xi32>) -> tensor<i32>
    %attention.slice_8 = stablehlo.slice %attention.keys.convert [0:1, 0:12, 0:1, 0:28] : (tensor<1x12x1x28xi8>) -> tensor<1x12x1x28xi8>
    %attention.constant_4 = stablehlo.constant dense<0> : tensor<i32>
    %attention.constant_5 = stablehlo.constant dense<0> : tensor<i32>
    %attention.dynamic_update_slice_2 = stablehlo.dynamic_update_slice %cache.0.keys, %attention.slice_8, %attention.constant_4, %attention.constant_5, %attention.reshape_5, %attention.constant_5 : (tensor<1x12x1024x28xi8>, tensor<1x12x1x28xi8>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x1024x28xi8>
    %attention.slice_9 = stablehlo.slice %positions [0:1] : (tensor<1xi32>) -> tensor<1xi32>
    %attention.reshape_6 = stablehlo.reshape %attention.slice_9 : (tensor<1xi32>) -> tensor<i32>
    %attention.slice_10 = stablehlo.slice %attention.values.scales [0:1, 0:12, 0:1] : (tensor<1x12x1xf32>) -> tensor<1x12x1xf32>
    %attention.constant_6 = stablehlo.constant dense<0> : tensor<i32>
    %attention.constant_7 = stablehlo.constant dense<0> : tensor<i32>
    %attention.dynamic_update_slice_3 = stablehlo.dynamic_update_slice %cache.0.values.scales, %attention.slice_10, %attention.constant_6, %attention.constant_7, %attention.reshape_6 : (tensor<1x12x1024xf32>, tensor<1x12x1xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x1024xf32>
    %attention.slice_11 = stablehlo.slice %positions [0:1] : (tensor<1xi32>) -> tensor<1xi32>
    %attention.reshape_7 = stablehlo.reshape %attention.slice_11 : (tensor<1xi32>) -> tensor<i32>
    %attention.slice_12 = stablehlo.slice %attention.values.convert [0:1, 0:12, 0:1, 0:28] : (tensor<1x12x1x28xi8>) -> tensor<1x12x1x28xi8>
    %attention.constant_8 = stablehlo.constant dense<0> : tensor<i32>
    %attention.constant_9 = stablehlo.constant dense<0> : tensor<i32>
    %attention.dynamic_update_slice_4 = stablehlo.dynamic_update_slice %cache.0.values, %attention.slice_12, %attention.constant_8, %attention.constant_9, %attention.reshape_7, %attention.constant_9 : (tensor<1x12x1024x28xi8>, tensor<1x12x1x28xi8>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x1024x28xi8>
    %attention.custom_call = stablehlo.custom_call @LayoutConstraint(%attention.dynamic_update_slice_2) {operand_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>]} : (tensor<1x12x1024x28xi8>) -> tensor<1x12x1024x28xi8>
    %attention.custom_call_2 = stablehlo.custom_call @LayoutConstraint(%attention.dynamic_update_slice) {operand_layouts = [dense<[2, 1, 0]> : tensor<3xindex>], result_layouts = [dense<[2, 1, 0]> : tensor<3xindex>]} : (tensor<1x12x1024xf32>) -> tensor<1x12x1024xf32>
    %attention.custom_call_3 = stablehlo.custom_call @LayoutConstraint(%attention.dynamic_update_slice_4) {operand_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>]} : (tensor<1x12x1024x28xi8>) -> tensor<1x12x1024x28xi8>
    %attention.custom_call_4 = stablehlo.custom_call @LayoutConstraint(%attention.dynamic_update_slice_3) {operand_layouts = [dense<[2, 1, 0]> : tensor<3xindex>], result_layouts = [dense<[2, 1, 0]> : tensor<3xindex>]} : (tensor<1x12x1024xf32>) -> tensor<1x12x1024xf32>
    %attention.iota = stablehlo.iota dim = 2 : tensor<1x1x1024xi32>
    %attention.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %attention.reshape_3, dims = [0, 1] : (tensor<1x1xi32>) -> tensor<1x1x1024xi32>
    %attention.compare = stablehlo.compare LE, %attention.iota, %attention.broadcast_in_dim_4, SIGNED : (tensor<1x1x1024xi32>, tensor<1x1x1024xi32>) -> tensor<1x1x1024xi1>
    %attention.convert_3 = stablehlo.convert %attention.custom_call : (tensor<1x12x1024x28xi8>) -> tensor<1x12x1024x28xbf16>
    %attention.dot_general_2 = stablehlo.dot_general %attention.queries, %attention.convert_3, batching_dims = [0, 2] x [0, 1], contracting_dims = [4] x [3] : (tensor<1x1x12x3x28xbf16>, tensor<1x12x1024x28xbf16>) -> tensor<1x12x1x3x1024xf32>
    %attention.constant_10 = stablehlo.constant dense<1.8898223e-1> : tensor<1x12x1x3x1024xf32>
    %attention.multiply_5 = stablehlo.multiply %attention.dot_general_2, %attention.constant_10 : tensor<1x12x1x3x1024xf32>
    %attention.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %attention.custom_call_2, dims = [0, 1, 4] : (tensor<1x12x1024xf32>) -> tensor<1x12x1x3x1024xf32>
    %attention.multiply_6 = stablehlo.multiply %attention.multiply_5, %attention.broadcast_in_dim_5 : tensor<1x12x1x3x1024xf32>
    %attention.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %attention.compare, dims = [0, 2, 4] : (tensor<1x1x1024xi1>) -> tensor<1x12x1x3x1024xi1>
    %attention.constant_11 = stablehlo.constant dense<0xFF800000> : tensor<1x12x1x3x1024xf32>
    %attention.scores = stablehlo.select %attention.broadcast_in_dim_6, %attention.multiply_6, %attention.constant_11 : tensor<1x12x1x3x1024xi1>, tensor<1x12x1x3x1024xf32>
    %attention.reshape_8 = stablehlo.reshape %layers.0.attention.sinks : (tensor<36xf32>) -> tensor<12x3xf32>
    %attention.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %attention.reshape_8, dims = [1, 3] : (tensor<12x3xf32>) -> tensor<1x12x1x3xf32>
    %attention.constant_12 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %attention.reduce = stablehlo.reduce(%attention.scores init: %attention.constant_12) applies stablehlo.maximum across dimensions = [4] : (tensor<1x12x1x3x1024xf32>, tensor<f32>) -> tensor<1x12x1x3xf32>
    %attention.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %attention.reduce, dims = [0, 1, 2, 3] : (tensor<1x12x1x3xf32>) -> tensor<1x12x1x3x1024xf32>
    %attention.subtract_2 = stablehlo.subtract %attention.scores, %attention.broadcast_in_dim_8 : tensor<1x12x1x3x1024xf32>
    %attention.weight = stablehlo.exponential %attention.subtract_2 : tensor<1x12x1x3x1024xf32>
    %attention.constant_13 = stablehlo.constant dense<0.0> : tensor<f32>
    %attention.reduce_2 = stablehlo.reduce(%attention.weight init: %attention.constant_13) applies stablehlo.add across dimensions = [4] : (tensor<1x12x1x3x1024xf32>, tensor<f32>) -> tensor<1x12x1x3xf32>
    %attention.subtract_3 = stablehlo.subtract %attention.broadcast_in_dim_7, %attention.reduce : tensor<1x12x1x3xf32>
    %attention.constant_14 = stablehlo.constant dense<6.4e1> : tensor<1x12x1x3xf32>
    %attention.minimum = stablehlo.minimum %attention.subtract_3, %attention.constant_14 : tensor<1x12x1x3xf32>
    %attention.exponential_2 = stablehlo.exponential %attention.minimum : tensor<1x12x1x3xf32>
    %attention.add_3 = stablehlo.add %attention.reduce_2, %attention.exponential_2 : tensor<1x12x1x3xf32>
    %attention.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %attention.custom_call_4, dims = [0, 1, 4] : (tensor<1x12x1024xf32>) -> tensor<1x12x1x3x1024xf32>
    %attention.multiply_7 = stablehlo.multiply %attention.weight, %attention.broadcast_in_dim_9 : tensor<1x12x1x3x1024xf32>
    %attention.convert_4 = stablehlo.convert %attention.multiply_7 : (tensor<1x12x1x3x1024xf32>) -> tensor<1x12x1x3x1024xbf16>
    %attention.convert_5 = stablehlo.convert %attention.custom_call_3 : (tensor<1x12x1024x28xi8>) -> tensor<1x12x1024x28xbf16>
    %attention.dot_general_3 = stablehlo.dot_general %attention.convert_4, %attention.convert_5, batching_dims = [0, 1] x [0, 1], contracting_dims = [4] x [2] : (tensor<1x12x1x3x1024xbf16>, tensor<1x12x1024x28xbf16>) -> tensor<1x12x1x3x28xf32>
    %attention.broadcast_in_dim_10 = stablehlo.broadcast_in_dim %attention.add_3, dims = [0, 1, 2, 3] : (tensor<1x12x1x3xf32>) -> tensor<1x12x1x3x28xf32>
    %attention.divide = stablehlo.divide %attention.dot_general_3, %attention.broadcast_in_dim_10 : tensor<1x12x1x3x28xf32>
    %attention.transpose = stablehlo.transpose %attention.divide, dims = [0, 2, 1, 3, 4] : (tensor<1x12x1x3x28xf32>) -> tensor<1x1x12x3x28xf32>
    %attention.attended = stablehlo.reshape %attention.transpose : (tensor<1x1x12x3x28xf32>) -> tensor<1x1008xf32>
    %attention.convert_6 = stablehlo.convert %attention.attended : (tensor<1x1008xf32>) -> tensor<1x1008xbf16>
    %attention.constant_15 = stablehlo.constant dense<0.0> : tensor<7x1008xbf16>
    %attention.concatenate_3 = stablehlo.concatenate %attention.convert_6, %attention.constant_15, dim = 0 : (tensor<1x1008xbf16>, tensor<7x1008xbf16>) -> tensor<8x1008xbf16>
    %attention.dot_general_4 = stablehlo.dot_general %attention.concatenate_3, %layers.0.attention.out.weight, contracting_dims = [1] x [1] : (tensor<8x1008xbf16>, tensor<416x1008xbf16>) -> tensor<8x416xf32>
    %attention.optimization_barrier_2 = stablehlo.optimization_barrier %attention.dot_general_4 : tensor<8x416xf32>
    %attention.slice_13 = stablehlo.slice %attention.optimization_barrier_2 [0:1, 0:416] : (tensor<8x416xf32>) -> tensor<1x416xf32>
    %attention.broadcast_in_dim_11 = stablehlo.broadcast_in_dim %layers.0.attention.out.bias, dims = [1] : (tensor<416xf32>) -> tensor<1x416xf32>
    %attention.add_4 = stablehlo.add %attention.slice_13, %attention.broadcast_in_dim_11 : tensor<1x416xf32>
    %add = stablehlo.add %x, %attention.add_4 : tensor<1x416xf32>
    return %attention.custom_call, %attention.custom_call_2, %attention.custom_call_3, %attention.custom_call_4, %add : tensor<1x12x1024x28xi8>, tensor<1x12x1024xf32>, tensor<1x12x1024x28xi8>, tensor<1x12x1024xf32>, tensor<1x416xf32>
  }
}
