module @decode_16 {
  sdy.mesh @devices = <["heads"=4, "rest"=2]>
  func.func public @main(
      %embedding.weight: tensor<1336x416xbf16> {mhlo.layout_mode = "{1,0}", sdy.sharding = #sdy.sharding<@devices, [{}, {"heads", "rest"}]>},
      %rope.cos: tensor<1024x14xf32> {sdy.sharding = #sdy.sharding<@devices, [{}, {}]>},
      %rope.sin: tensor<1024x14xf32> {sdy.sharding = #sdy.sharding<@devices, [{}, {}]>},
      %layers.0.attention.norm: tensor<416xf32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %layers.0.attention.qkv.weight: tensor<1680x416xbf16> {sdy.sharding = #sdy.sharding<@devices, [{"heads"}, {}]>},
      %layers.0.attention.qkv.bias: tensor<1680xf32> {sdy.sharding = #sdy.sharding<@devices, [{"heads"}]>},
      %layers.0.attention.sinks: tensor<36xf32> {sdy.sharding = #sdy.sharding<@devices, [{"heads"}]>},
      %layers.0.attention.out.weight: tensor<416x1008xbf16> {sdy.sharding = #sdy.sharding<@devices, [{}, {"heads"}]>},
      %layers.0.attention.out.bias: tensor<416xf32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %layers.0.moe.norm: tensor<416xf32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %layers.0.moe.router.weight: tensor<9x416xbf16> {sdy.sharding = #sdy.sharding<@devices, [{}, {}]>},
      %layers.0.moe.router.bias: tensor<9xf32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %layers.0.moe.gate_up.weight: tensor<8x9x13x32x256xf4E2M1FN> {mhlo.layout_mode = "{4,3,2,1,0}", sdy.sharding = #sdy.sharding<@devices, [{"heads", "rest"}, {}, {}, {}, {}]>},
      %layers.0.moe.gate_up.scales: tensor<8x117x256xbf16> {sdy.sharding = #sdy.sharding<@devices, [{"heads", "rest"}, {}, {}]>},
      %layers.0.moe.gate_up.bias: tensor<8x9x256xf32> {sdy.sharding = #sdy.sharding<@devices, [{"heads", "rest"}, {}, {}]>},
      %layers.0.moe.down.weight: tensor<8x9x4x32x512xf4E2M1FN> {mhlo.layout_mode = "{4,3,2,1,0}", sdy.sharding = #sdy.sharding<@devices, [{"heads", "rest"}, {}, {}, {}, {}]>},
      %layers.0.moe.down.scales: tensor<8x36x512xbf16> {sdy.sharding = #sdy.sharding<@devices, [{"heads", "rest"}, {}, {}]>},
      %layers.0.moe.down.bias: tensor<9x416xf32> {sdy.sharding = #sdy.sharding<@devices, [{}, {}]>},
      %layers.1.attention.norm: tensor<416xf32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %layers.1.attention.qkv.weight: tensor<1680x416xbf16> {sdy.sharding = #sdy.sharding<@devices, [{"heads"}, {}]>},
      %layers.1.attention.qkv.bias: tensor<1680xf32> {sdy.sharding = #sdy.sharding<@devices, [{"heads"}]>},
      %layers.1.attention.sinks: tensor<36xf32> {sdy.sharding = #sdy.sharding<@devices, [{"heads"}]>},
      %layers.1.attention.out.weight: tensor<416x1008xbf16> {sdy.sharding = #sdy.sharding<@devices, [{}, {"heads"}]>},
      %layers.1.attention.out.bias: tensor<416xf32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %layers.1.moe.norm: tensor<416xf32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %layers.1.moe.router.weight: tensor<9x416xbf16> {sdy.sharding = #sdy.sharding<@devices, [{}, {}]>},
      %layers.1.moe.router.bias: tensor<9xf32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %layers.1.moe.gate_up.weight: tensor<8x9x13x32x256xf4E2M1FN> {mhlo.layout_mode = "{4,3,2,1,0}", sdy.sharding = #sdy.sharding<@devices, [{"heads", "rest"}, {}, {}, {}, {}]>},
      %layers.1.moe.gate_up.scales: tensor<8x117x256xbf16> {sdy.sharding = #sdy.sharding<@devices, [{"heads", "rest"}, {}, {}]>},
      %layers.1.moe.gate_up.bias: tensor<8x9x256xf32> {sdy.sharding = #sdy.sharding<@devices, [{"heads", "rest"}, {}, {}]>},
      %layers.1.moe.down.weight: tensor<8x9x4x32x512xf4E2M1FN> {mhlo.layout_mode = "{4,3,2,1,0}", sdy.sharding = #sdy.sharding<@devices, [{"heads", "rest"}, {}, {}, {}, {}]>},
      %layers.1.moe.down.scales: tensor<8x36x512xbf16> {sdy.sharding = #sdy.sharding<@devices, [{"heads", "rest"}, {}, {}]>},
      %layers.1.moe.down.bias: tensor<9x416xf32> {sdy.sharding = #sdy.sharding<@devices, [{}, {}]>},
      %norm: tensor<416xf32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %unembedding.weight: tensor<1336x416xbf16> {sdy.sharding = #sdy.sharding<@devices, [{"heads", "rest"}, {}]>},
      %cache.0.keys: tensor<1x12x40x28xbf16> {tf.aliasing_output = 0 : i32, sdy.sharding = #sdy.sharding<@devices, [{}, {"heads"}, {}, {}]>},
      %cache.0.values: tensor<1x12x40x28xbf16> {tf.aliasing_output = 1 : i32, sdy.sharding = #sdy.sharding<@devices, [{}, {"heads"}, {}, {}]>},
      %cache.1.keys: tensor<1x12x1024x28xbf16> {tf.aliasing_output = 2 : i32, sdy.sharding = #sdy.sharding<@devices, [{}, {"heads"}, {}, {}]>},
      %cache.1.values: tensor<1x12x1024x28xbf16> {tf.aliasing_output = 3 : i32, sdy.sharding = #sdy.sharding<@devices, [{}, {"heads"}, {}, {}]>},
      %tokens: tensor<1xi32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %positions: tensor<1xi32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %ended: tensor<1xi1> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %steps: tensor<i32> {sdy.sharding = #sdy.sharding<@devices, []>},
      %stop: tensor<8xi32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %temperature: tensor<1xf32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %top_k: tensor<1xi32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %top_p: tensor<1xf32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %min_p: tensor<1xf32> {sdy.sharding = #sdy.sharding<@devices, [{}]>},
      %seed: tensor<1xui64> {sdy.sharding = #sdy.sharding<@devices, [{}]>}) -> (
      tensor<1x12x40x28xbf16> {sdy.sharding = #sdy.sharding<@devices, [{}, {"heads"}, {}, {}]>},
      tensor<1x12x40x28xbf16> {sdy.sharding = #sdy.sharding<@devices, [{}, {"heads"}, {}, {}]>},
      tensor<1x12x1024x28xbf16> {sdy.sharding = #sdy.sharding<@devices, [{}, {"heads"}, {}, {}]>},
      tensor<1x12x1024x28xbf16> {sdy.sharding = #sdy.sharding<@devices, [{}, {"heads"}, {}, {}]>},
      tensor<1x16xi32> {sdy.sharding = #sdy.sharding<@devices, [{}, {}]>},
      tensor<1x16xf32> {sdy.sharding = #sdy.sharding<@devices, [{}, {}]>}) {
    %constant = stablehlo.constant dense<16> : tensor<i32>
    %minimum = stablehlo.minimum %steps, %constant : tensor<i32>
    %constant_2 = stablehlo.constant dense<-1> : tensor<1x16xi32>
    %constant_3 = stablehlo.constant dense<0.0> : tensor<1x16xf32>
    %constant_4 = stablehlo.constant dense<0> : tensor<i32>
    %while:10 = "stablehlo.while"(%constant_4, %tokens, %positions, %ended, %constant_2, %constant_3, %cache.0.keys, %cache.0.values, %cache.1.keys, %cache.1.values) ({
    ^bb0(%arg: tensor<i32>, %arg_2: tensor<1xi32>, %arg_3: tensor<1xi32>, %arg_4: tensor<1xi1>, %arg_5: tensor<1x16xi32>, %arg_6: tensor<1x16xf32>, %arg_7: tensor<1x12x40x28xbf16>, %arg_8: tensor<1x12x40x28xbf16>, %arg_9: tensor<1x12x1024x28xbf16>, %arg_10: tensor<1x12x1024x28xbf16>):
      %compare = stablehlo.compare LT, %arg, %minimum, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %constant_5 = stablehlo.constant dense<true> : tensor<i1>
      %reduce = stablehlo.reduce(%arg_4 init: %constant_5) applies stablehlo.and across dimensions = [0] : (tensor<1xi1>, tensor<i1>) -> tensor<i1>
      %not = stablehlo.not %reduce : tensor<i1>
      %and = stablehlo.and %compare, %not : tensor<i1>
      stablehlo.return %and : tensor<i1>
    }, {
    ^bb0(%arg_11: tensor<i32>, %arg_12: tensor<1xi32>, %arg_13: tensor<1xi32>, %arg_14: tensor<1xi1>, %arg_15: tensor<1x16xi32>, %arg_16: tensor<1x16xf32>, %arg_17: tensor<1x12x40x28xbf16>, %arg_18: tensor<1x12x40x28xbf16>, %arg_19: tensor<1x12x1024x28xbf16>, %arg_20: tensor<1x12x1024x28xbf16>):
      %rope.cos_2 = "stablehlo.gather"(%rope.cos, %arg_13) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 14>}> : (tensor<1024x14xf32>, tensor<1xi32>) -> tensor<1x14xf32>
      %rope.sin_2 = "stablehlo.gather"(%rope.sin, %arg_13) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 14>}> : (tensor<1024x14xf32>, tensor<1xi32>) -> tensor<1x14xf32>
      %embedding.gather = "stablehlo.gather"(%embedding.weight, %arg_12) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 416>}> : (tensor<1336x416xbf16>, tensor<1xi32>) -> tensor<1x416xbf16>
      %embedding.convert = stablehlo.convert %embedding.gather : (tensor<1x416xbf16>) -> tensor<1x416xf32>
      %embedding.sharding_constraint = sdy.sharding_constraint %embedding.convert <@devices, [{}, {}]> : tensor<1x416xf32>
      %constant_6 = stablehlo.constant dense<0.0> : tensor<7x416xf32>
      %concatenate = stablehlo.concatenate %embedding.sharding_constraint, %constant_6, dim = 0 : (tensor<1x416xf32>, tensor<7x416xf32>) -> tensor<8x416xf32>
      %layers.0.attention.norm.multiply = stablehlo.multiply %concatenate, %concatenate : tensor<8x416xf32>
      %layers.0.attention.norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.0.attention.norm.reduce = stablehlo.reduce(%layers.0.attention.norm.multiply init: %layers.0.attention.norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<8x416xf32>, tensor<f32>) -> tensor<8xf32>
      %layers.0.attention.norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<8xf32>
      %layers.0.attention.norm.divide = stablehlo.divide %layers.0.attention.norm.reduce, %layers.0.attention.norm.constant_2 : tensor<8xf32>
      %layers.0.attention.norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<8xf32>
      %layers.0.attention.norm.add = stablehlo.add %layers.0.attention.norm.divide, %layers.0.attention.norm.constant_3 : tensor<8xf32>
      %layers.0.attention.norm.rsqrt = stablehlo.rsqrt %layers.0.attention.norm.add : tensor<8xf32>
      %layers.0.attention.norm.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.0.attention.norm.rsqrt, dims = [0] : (tensor<8xf32>) -> tensor<8x416xf32>
      %layers.0.attention.norm.multiply_2 = stablehlo.multiply %concatenate, %layers.0.attention.norm.broadcast_in_dim : tensor<8x416xf32>
      %layers.0.attention.norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.0.attention.norm, dims = [1] : (tensor<416xf32>) -> tensor<8x416xf32>
      %layers.0.attention.norm.multiply_3 = stablehlo.multiply %layers.0.attention.norm.multiply_2, %layers.0.attention.norm.broadcast_in_dim_2 : tensor<8x416xf32>
      %layers.0.attention.convert = stablehlo.convert %layers.0.attention.norm.multiply_3 : (tensor<8x416xf32>) -> tensor<8x416xbf16>
      %layers.0.attention.dot_general = stablehlo.dot_general %layers.0.attention.convert, %layers.0.attention.qkv.weight, contracting_dims = [1] x [1] : (tensor<8x416xbf16>, tensor<1680x416xbf16>) -> tensor<8x1680xf32>
      %layers.0.attention.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.0.attention.qkv.bias, dims = [1] : (tensor<1680xf32>) -> tensor<8x1680xf32>
      %layers.0.attention.add = stablehlo.add %layers.0.attention.dot_general, %layers.0.attention.broadcast_in_dim : tensor<8x1680xf32>
      %layers.0.attention.optimization_barrier = stablehlo.optimization_barrier %layers.0.attention.add : tensor<8x1680xf32>
      %layers.0.attention.slice = stablehlo.slice %layers.0.attention.optimization_barrier [0:1, 0:1680] : (tensor<8x1680xf32>) -> tensor<1x1680xf32>
      %layers.0.attention.reshape = stablehlo.reshape %layers.0.attention.slice : (tensor<1x1680xf32>) -> tensor<1x12x5x28xf32>
      %layers.0.attention.sharding_constraint = sdy.sharding_constraint %layers.0.attention.reshape <@devices, [{}, {"heads"}, {}, {}]> : tensor<1x12x5x28xf32>
      %layers.0.attention.slice_2 = stablehlo.slice %layers.0.attention.sharding_constraint [0:1, 0:12, 0:3, 0:28] : (tensor<1x12x5x28xf32>) -> tensor<1x12x3x28xf32>
      %layers.0.attention.slice_3 = stablehlo.slice %layers.0.attention.slice_2 [0:1, 0:12, 0:3, 0:14] : (tensor<1x12x3x28xf32>) -> tensor<1x12x3x14xf32>
      %layers.0.attention.slice_4 = stablehlo.slice %layers.0.attention.slice_2 [0:1, 0:12, 0:3, 14:28] : (tensor<1x12x3x28xf32>) -> tensor<1x12x3x14xf32>
      %layers.0.attention.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %rope.cos_2, dims = [0, 3] : (tensor<1x14xf32>) -> tensor<1x12x3x14xf32>
      %layers.0.attention.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %rope.sin_2, dims = [0, 3] : (tensor<1x14xf32>) -> tensor<1x12x3x14xf32>
      %layers.0.attention.multiply = stablehlo.multiply %layers.0.attention.slice_3, %layers.0.attention.broadcast_in_dim_2 : tensor<1x12x3x14xf32>
      %layers.0.attention.multiply_2 = stablehlo.multiply %layers.0.attention.slice_4, %layers.0.attention.broadcast_in_dim_3 : tensor<1x12x3x14xf32>
      %layers.0.attention.subtract = stablehlo.subtract %layers.0.attention.multiply, %layers.0.attention.multiply_2 : tensor<1x12x3x14xf32>
      %layers.0.attention.multiply_3 = stablehlo.multiply %layers.0.attention.slice_4, %layers.0.attention.broadcast_in_dim_2 : tensor<1x12x3x14xf32>
      %layers.0.attention.multiply_4 = stablehlo.multiply %layers.0.attention.slice_3, %layers.0.attention.broadcast_in_dim_3 : tensor<1x12x3x14xf32>
      %layers.0.attention.add_2 = stablehlo.add %layers.0.attention.multiply_3, %layers.0.attention.multiply_4 : tensor<1x12x3x14xf32>
      %layers.0.attention.concatenate = stablehlo.concatenate %layers.0.attention.subtract, %layers.0.attention.add_2, dim = 3 : (tensor<1x12x3x14xf32>, tensor<1x12x3x14xf32>) -> tensor<1x12x3x28xf32>
      %layers.0.attention.convert_2 = stablehlo.convert %layers.0.attention.concatenate : (tensor<1x12x3x28xf32>) -> tensor<1x12x3x28xbf16>
      %layers.0.attention.queries = stablehlo.reshape %layers.0.attention.convert_2 : (tensor<1x12x3x28xbf16>) -> tensor<1x1x12x3x28xbf16>
      %layers.0.attention.keys.slice = stablehlo.slice %layers.0.attention.sharding_constraint [0:1, 0:12, 3:4, 0:28] : (tensor<1x12x5x28xf32>) -> tensor<1x12x1x28xf32>
      %layers.0.attention.keys.slice_2 = stablehlo.slice %layers.0.attention.keys.slice [0:1, 0:12, 0:1, 0:14] : (tensor<1x12x1x28xf32>) -> tensor<1x12x1x14xf32>
      %layers.0.attention.keys.slice_3 = stablehlo.slice %layers.0.attention.keys.slice [0:1, 0:12, 0:1, 14:28] : (tensor<1x12x1x28xf32>) -> tensor<1x12x1x14xf32>
      %layers.0.attention.keys.broadcast_in_dim = stablehlo.broadcast_in_dim %rope.cos_2, dims = [0, 3] : (tensor<1x14xf32>) -> tensor<1x12x1x14xf32>
      %layers.0.attention.keys.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %rope.sin_2, dims = [0, 3] : (tensor<1x14xf32>) -> tensor<1x12x1x14xf32>
      %layers.0.attention.keys.multiply = stablehlo.multiply %layers.0.attention.keys.slice_2, %layers.0.attention.keys.broadcast_in_dim : tensor<1x12x1x14xf32>
      %layers.0.attention.keys.multiply_2 = stablehlo.multiply %layers.0.attention.keys.slice_3, %layers.0.attention.keys.broadcast_in_dim_2 : tensor<1x12x1x14xf32>
      %layers.0.attention.keys.subtract = stablehlo.subtract %layers.0.attention.keys.multiply, %layers.0.attention.keys.multiply_2 : tensor<1x12x1x14xf32>
      %layers.0.attention.keys.multiply_3 = stablehlo.multiply %layers.0.attention.keys.slice_3, %layers.0.attention.keys.broadcast_in_dim : tensor<1x12x1x14xf32>
      %layers.0.attention.keys.multiply_4 = stablehlo.multiply %layers.0.attention.keys.slice_2, %layers.0.attention.keys.broadcast_in_dim_2 : tensor<1x12x1x14xf32>
      %layers.0.attention.keys.add = stablehlo.add %layers.0.attention.keys.multiply_3, %layers.0.attention.keys.multiply_4 : tensor<1x12x1x14xf32>
      %layers.0.attention.keys.concatenate = stablehlo.concatenate %layers.0.attention.keys.subtract, %layers.0.attention.keys.add, dim = 3 : (tensor<1x12x1x14xf32>, tensor<1x12x1x14xf32>) -> tensor<1x12x1x28xf32>
      %layers.0.attention.keys.reshape = stablehlo.reshape %layers.0.attention.keys.concatenate : (tensor<1x12x1x28xf32>) -> tensor<1x1x12x28xf32>
      %layers.0.attention.keys.transpose = stablehlo.transpose %layers.0.attention.keys.reshape, dims = [0, 2, 1, 3] : (tensor<1x1x12x28xf32>) -> tensor<1x12x1x28xf32>
      %layers.0.attention.keys.convert = stablehlo.convert %layers.0.attention.keys.transpose : (tensor<1x12x1x28xf32>) -> tensor<1x12x1x28xbf16>
      %layers.0.attention.values.slice = stablehlo.slice %layers.0.attention.sharding_constraint [0:1, 0:12, 4:5, 0:28] : (tensor<1x12x5x28xf32>) -> tensor<1x12x1x28xf32>
      %layers.0.attention.values.reshape = stablehlo.reshape %layers.0.attention.values.slice : (tensor<1x12x1x28xf32>) -> tensor<1x1x12x28xf32>
      %layers.0.attention.values.transpose = stablehlo.transpose %layers.0.attention.values.reshape, dims = [0, 2, 1, 3] : (tensor<1x1x12x28xf32>) -> tensor<1x12x1x28xf32>
      %layers.0.attention.values.convert = stablehlo.convert %layers.0.attention.values.transpose : (tensor<1x12x1x28xf32>) -> tensor<1x12x1x28xbf16>
      %layers.0.attention.reshape_3 = stablehlo.reshape %arg_13 : (tensor<1xi32>) -> tensor<1x1xi32>
      %layers.0.attention.constant = stablehlo.constant dense<40> : tensor<1xi32>
      %layers.0.attention.remainder = stablehlo.remainder %arg_13, %layers.0.attention.constant : tensor<1xi32>
      %layers.0.attention.slice_5 = stablehlo.slice %layers.0.attention.remainder [0:1] : (tensor<1xi32>) -> tensor<1xi32>
      %layers.0.attention.reshape_4 = stablehlo.reshape %layers.0.attention.slice_5 : (tensor<1xi32>) -> tensor<i32>
      %layers.0.attention.slice_6 = stablehlo.slice %layers.0.attention.keys.convert [0:1, 0:12, 0:1, 0:28] : (tensor<1x12x1x28xbf16>) -> tensor<1x12x1x28xbf16>
      %layers.0.attention.constant_2 = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.attention.constant_3 = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.attention.dynamic_update_slice = stablehlo.dynamic_update_slice %arg_17, %layers.0.attention.slice_6, %layers.0.attention.constant_2, %layers.0.attention.constant_3, %layers.0.attention.reshape_4, %layers.0.attention.constant_3 : (tensor<1x12x40x28xbf16>, tensor<1x12x1x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
      %layers.0.attention.constant_4 = stablehlo.constant dense<40> : tensor<1xi32>
      %layers.0.attention.remainder_2 = stablehlo.remainder %arg_13, %layers.0.attention.constant_4 : tensor<1xi32>
      %layers.0.attention.slice_7 = stablehlo.slice %layers.0.attention.remainder_2 [0:1] : (tensor<1xi32>) -> tensor<1xi32>
      %layers.0.attention.reshape_5 = stablehlo.reshape %layers.0.attention.slice_7 : (tensor<1xi32>) -> tensor<i32>
      %layers.0.attention.slice_8 = stablehlo.slice %layers.0.attention.values.convert [0:1, 0:12, 0:1, 0:28] : (tensor<1x12x1x28xbf16>) -> tensor<1x12x1x28xbf16>
      %layers.0.attention.constant_5 = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.attention.constant_6 = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.attention.dynamic_update_slice_2 = stablehlo.dynamic_update_slice %arg_18, %layers.0.attention.slice_8, %layers.0.attention.constant_5, %layers.0.attention.constant_6, %layers.0.attention.reshape_5, %layers.0.attention.constant_6 : (tensor<1x12x40x28xbf16>, tensor<1x12x1x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x40x28xbf16>
      %layers.0.attention.iota = stablehlo.iota dim = 2 : tensor<1x1x40xi32>
      %layers.0.attention.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %layers.0.attention.reshape_3, dims = [0, 1] : (tensor<1x1xi32>) -> tensor<1x1x40xi32>
      %layers.0.attention.compare = stablehlo.compare LE, %layers.0.attention.iota, %layers.0.attention.broadcast_in_dim_4, SIGNED : (tensor<1x1x40xi32>, tensor<1x1x40xi32>) -> tensor<1x1x40xi1>
      %layers.0.attention.dot_general_2 = stablehlo.dot_general %layers.0.attention.queries, %layers.0.attention.dynamic_update_slice, batching_dims = [0, 2] x [0, 1], contracting_dims = [4] x [3] : (tensor<1x1x12x3x28xbf16>, tensor<1x12x40x28xbf16>) -> tensor<1x12x1x3x40xf32>
      %layers.0.attention.constant_7 = stablehlo.constant dense<1.8898223e-1> : tensor<1x12x1x3x40xf32>
      %layers.0.attention.multiply_5 = stablehlo.multiply %layers.0.attention.dot_general_2, %layers.0.attention.constant_7 : tensor<1x12x1x3x40xf32>
      %layers.0.attention.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %layers.0.attention.compare, dims = [0, 2, 4] : (tensor<1x1x40xi1>) -> tensor<1x12x1x3x40xi1>
      %layers.0.attention.constant_8 = stablehlo.constant dense<0xFF800000> : tensor<1x12x1x3x40xf32>
      %layers.0.attention.scores = stablehlo.select %layers.0.attention.broadcast_in_dim_5, %layers.0.attention.multiply_5, %layers.0.attention.constant_8 : tensor<1x12x1x3x40xi1>, tensor<1x12x1x3x40xf32>
      %layers.0.attention.reshape_6 = stablehlo.reshape %layers.0.attention.sinks : (tensor<36xf32>) -> tensor<12x3xf32>
      %layers.0.attention.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %layers.0.attention.reshape_6, dims = [1, 3] : (tensor<12x3xf32>) -> tensor<1x12x1x3xf32>
      %layers.0.attention.constant_9 = stablehlo.constant dense<0xFF800000> : tensor<f32>
      %layers.0.attention.reduce = stablehlo.reduce(%layers.0.attention.scores init: %layers.0.attention.constant_9) applies stablehlo.maximum across dimensions = [4] : (tensor<1x12x1x3x40xf32>, tensor<f32>) -> tensor<1x12x1x3xf32>
      %layers.0.attention.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %layers.0.attention.reduce, dims = [0, 1, 2, 3] : (tensor<1x12x1x3xf32>) -> tensor<1x12x1x3x40xf32>
      %layers.0.attention.subtract_2 = stablehlo.subtract %layers.0.attention.scores, %layers.0.attention.broadcast_in_dim_7 : tensor<1x12x1x3x40xf32>
      %layers.0.attention.weight = stablehlo.exponential %layers.0.attention.subtract_2 : tensor<1x12x1x3x40xf32>
      %layers.0.attention.constant_10 = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.0.attention.reduce_2 = stablehlo.reduce(%layers.0.attention.weight init: %layers.0.attention.constant_10) applies stablehlo.add across dimensions = [4] : (tensor<1x12x1x3x40xf32>, tensor<f32>) -> tensor<1x12x1x3xf32>
      %layers.0.attention.subtract_3 = stablehlo.subtract %layers.0.attention.broadcast_in_dim_6, %layers.0.attention.reduce : tensor<1x12x1x3xf32>
      %layers.0.attention.constant_11 = stablehlo.constant dense<6.4e1> : tensor<1x12x1x3xf32>
      %layers.0.attention.minimum = stablehlo.minimum %layers.0.attention.subtract_3, %layers.0.attention.constant_11 : tensor<1x12x1x3xf32>
      %layers.0.attention.exponential_2 = stablehlo.exponential %layers.0.attention.minimum : tensor<1x12x1x3xf32>
      %layers.0.attention.add_3 = stablehlo.add %layers.0.attention.reduce_2, %layers.0.attention.exponential_2 : tensor<1x12x1x3xf32>
      %layers.0.attention.convert_3 = stablehlo.convert %layers.0.attention.weight : (tensor<1x12x1x3x40xf32>) -> tensor<1x12x1x3x40xbf16>
      %layers.0.attention.dot_general_3 = stablehlo.dot_general %layers.0.attention.convert_3, %layers.0.attention.dynamic_update_slice_2, batching_dims = [0, 1] x [0, 1], contracting_dims = [4] x [2] : (tensor<1x12x1x3x40xbf16>, tensor<1x12x40x28xbf16>) -> tensor<1x12x1x3x28xf32>
      %layers.0.attention.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %layers.0.attention.add_3, dims = [0, 1, 2, 3] : (tensor<1x12x1x3xf32>) -> tensor<1x12x1x3x28xf32>
      %layers.0.attention.divide = stablehlo.divide %layers.0.attention.dot_general_3, %layers.0.attention.broadcast_in_dim_8 : tensor<1x12x1x3x28xf32>
      %layers.0.attention.transpose = stablehlo.transpose %layers.0.attention.divide, dims = [0, 2, 1, 3, 4] : (tensor<1x12x1x3x28xf32>) -> tensor<1x1x12x3x28xf32>
      %layers.0.attention.attended = stablehlo.reshape %layers.0.attention.transpose : (tensor<1x1x12x3x28xf32>) -> tensor<1x1008xf32>
      %layers.0.attention.constant_12 = stablehlo.constant dense<0.0> : tensor<7x1008xf32>
      %layers.0.attention.concatenate_2 = stablehlo.concatenate %layers.0.attention.attended, %layers.0.attention.constant_12, dim = 0 : (tensor<1x1008xf32>, tensor<7x1008xf32>) -> tensor<8x1008xf32>
      %layers.0.attention.convert_4 = stablehlo.convert %layers.0.attention.concatenate_2 : (tensor<8x1008xf32>) -> tensor<8x1008xbf16>
      %layers.0.attention.dot_general_4 = stablehlo.dot_general %layers.0.attention.convert_4, %layers.0.attention.out.weight, contracting_dims = [1] x [1] : (tensor<8x1008xbf16>, tensor<416x1008xbf16>) -> tensor<8x416xf32>
      %layers.0.attention.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %layers.0.attention.out.bias, dims = [1] : (tensor<416xf32>) -> tensor<8x416xf32>
      %layers.0.attention.add_4 = stablehlo.add %layers.0.attention.dot_general_4, %layers.0.attention.broadcast_in_dim_9 : tensor<8x416xf32>
      %layers.0.attention.sharding_constraint_2 = sdy.sharding_constraint %layers.0.attention.add_4 <@devices, [{}, {}]> : tensor<8x416xf32>
      %layers.0.add = stablehlo.add %concatenate, %layers.0.attention.sharding_constraint_2 : tensor<8x416xf32>
      %layers.0.moe.norm.multiply = stablehlo.multiply %layers.0.add, %layers.0.add : tensor<8x416xf32>
      %layers.0.moe.norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.0.moe.norm.reduce = stablehlo.reduce(%layers.0.moe.norm.multiply init: %layers.0.moe.norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<8x416xf32>, tensor<f32>) -> tensor<8xf32>
      %layers.0.moe.norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<8xf32>
      %layers.0.moe.norm.divide = stablehlo.divide %layers.0.moe.norm.reduce, %layers.0.moe.norm.constant_2 : tensor<8xf32>
      %layers.0.moe.norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<8xf32>
      %layers.0.moe.norm.add = stablehlo.add %layers.0.moe.norm.divide, %layers.0.moe.norm.constant_3 : tensor<8xf32>
      %layers.0.moe.norm.rsqrt = stablehlo.rsqrt %layers.0.moe.norm.add : tensor<8xf32>
      %layers.0.moe.norm.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.0.moe.norm.rsqrt, dims = [0] : (tensor<8xf32>) -> tensor<8x416xf32>
      %layers.0.moe.norm.multiply_2 = stablehlo.multiply %layers.0.add, %layers.0.moe.norm.broadcast_in_dim : tensor<8x416xf32>
      %layers.0.moe.norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.0.moe.norm, dims = [1] : (tensor<416xf32>) -> tensor<8x416xf32>
      %layers.0.moe.norm.multiply_3 = stablehlo.multiply %layers.0.moe.norm.multiply_2, %layers.0.moe.norm.broadcast_in_dim_2 : tensor<8x416xf32>
      %layers.0.moe.convert = stablehlo.convert %layers.0.moe.norm.multiply_3 : (tensor<8x416xf32>) -> tensor<8x416xbf16>
      %layers.0.moe.dot_general = stablehlo.dot_general %layers.0.moe.convert, %layers.0.moe.router.weight, contracting_dims = [1] x [1] : (tensor<8x416xbf16>, tensor<9x416xbf16>) -> tensor<8x9xf32>
      %layers.0.moe.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.0.moe.router.bias, dims = [1] : (tensor<9xf32>) -> tensor<8x9xf32>
      %layers.0.moe.router = stablehlo.add %layers.0.moe.dot_general, %layers.0.moe.broadcast_in_dim : tensor<8x9xf32>
      %layers.0.moe.optimization_barrier = stablehlo.optimization_barrier %layers.0.moe.router : tensor<8x9xf32>
      %layers.0.moe.slice = stablehlo.slice %layers.0.moe.optimization_barrier [0:1, 0:9] : (tensor<8x9xf32>) -> tensor<1x9xf32>
      %layers.0.moe.iota = stablehlo.iota dim = 1 : tensor<1x9xi32>
      %layers.0.moe.convert_2 = stablehlo.convert %layers.0.moe.iota : (tensor<1x9xi32>) -> tensor<1x9xf32>
      %layers.0.moe.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.0.moe.slice, dims = [0, 1] : (tensor<1x9xf32>) -> tensor<1x9x9xf32>
      %layers.0.moe.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %layers.0.moe.slice, dims = [0, 2] : (tensor<1x9xf32>) -> tensor<1x9x9xf32>
      %layers.0.moe.compare = stablehlo.compare GT, %layers.0.moe.broadcast_in_dim_3, %layers.0.moe.broadcast_in_dim_2, FLOAT : (tensor<1x9x9xf32>, tensor<1x9x9xf32>) -> tensor<1x9x9xi1>
      %layers.0.moe.compare_2 = stablehlo.compare EQ, %layers.0.moe.broadcast_in_dim_3, %layers.0.moe.broadcast_in_dim_2, FLOAT : (tensor<1x9x9xf32>, tensor<1x9x9xf32>) -> tensor<1x9x9xi1>
      %layers.0.moe.iota_2 = stablehlo.iota dim = 2 : tensor<1x9x9xi32>
      %layers.0.moe.iota_3 = stablehlo.iota dim = 1 : tensor<1x9x9xi32>
      %layers.0.moe.compare_3 = stablehlo.compare LT, %layers.0.moe.iota_2, %layers.0.moe.iota_3, SIGNED : (tensor<1x9x9xi32>, tensor<1x9x9xi32>) -> tensor<1x9x9xi1>
      %layers.0.moe.and = stablehlo.and %layers.0.moe.compare_2, %layers.0.moe.compare_3 : tensor<1x9x9xi1>
      %layers.0.moe.or = stablehlo.or %layers.0.moe.compare, %layers.0.moe.and : tensor<1x9x9xi1>
      %layers.0.moe.convert_3 = stablehlo.convert %layers.0.moe.or : (tensor<1x9x9xi1>) -> tensor<1x9x9xi32>
      %layers.0.moe.constant = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.moe.rank = stablehlo.reduce(%layers.0.moe.convert_3 init: %layers.0.moe.constant) applies stablehlo.add across dimensions = [2] : (tensor<1x9x9xi32>, tensor<i32>) -> tensor<1x9xi32>
      %layers.0.moe.constant_2 = stablehlo.constant dense<0> : tensor<1x9xi32>
      %layers.0.moe.compare_4 = stablehlo.compare EQ, %layers.0.moe.rank, %layers.0.moe.constant_2, SIGNED : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
      %layers.0.moe.constant_3 = stablehlo.constant dense<0.0> : tensor<1x9xf32>
      %layers.0.moe.select = stablehlo.select %layers.0.moe.compare_4, %layers.0.moe.convert_2, %layers.0.moe.constant_3 : tensor<1x9xi1>, tensor<1x9xf32>
      %layers.0.moe.constant_4 = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.0.moe.reduce_2 = stablehlo.reduce(%layers.0.moe.select init: %layers.0.moe.constant_4) applies stablehlo.add across dimensions = [1] : (tensor<1x9xf32>, tensor<f32>) -> tensor<1xf32>
      %layers.0.moe.constant_5 = stablehlo.constant dense<1> : tensor<1x9xi32>
      %layers.0.moe.compare_5 = stablehlo.compare EQ, %layers.0.moe.rank, %layers.0.moe.constant_5, SIGNED : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
      %layers.0.moe.constant_6 = stablehlo.constant dense<0.0> : tensor<1x9xf32>
      %layers.0.moe.select_2 = stablehlo.select %layers.0.moe.compare_5, %layers.0.moe.convert_2, %layers.0.moe.constant_6 : tensor<1x9xi1>, tensor<1x9xf32>
      %layers.0.moe.constant_7 = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.0.moe.reduce_3 = stablehlo.reduce(%layers.0.moe.select_2 init: %layers.0.moe.constant_7) applies stablehlo.add across dimensions = [1] : (tensor<1x9xf32>, tensor<f32>) -> tensor<1xf32>
      %layers.0.moe.convert_4 = stablehlo.convert %layers.0.moe.reduce_2 : (tensor<1xf32>) -> tensor<1xi32>
      %layers.0.moe.convert_5 = stablehlo.convert %layers.0.moe.reduce_3 : (tensor<1xf32>) -> tensor<1xi32>
      %layers.0.moe.constant_8 = stablehlo.constant dense<0> : tensor<1x9xi32>
      %layers.0.moe.compare_6 = stablehlo.compare EQ, %layers.0.moe.rank, %layers.0.moe.constant_8, SIGNED : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
      %layers.0.moe.constant_9 = stablehlo.constant dense<0.0> : tensor<1x9xf32>
      %layers.0.moe.select_3 = stablehlo.select %layers.0.moe.compare_6, %layers.0.moe.slice, %layers.0.moe.constant_9 : tensor<1x9xi1>, tensor<1x9xf32>
      %layers.0.moe.constant_10 = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.0.moe.reduce_4 = stablehlo.reduce(%layers.0.moe.select_3 init: %layers.0.moe.constant_10) applies stablehlo.add across dimensions = [1] : (tensor<1x9xf32>, tensor<f32>) -> tensor<1xf32>
      %layers.0.moe.constant_11 = stablehlo.constant dense<1> : tensor<1x9xi32>
      %layers.0.moe.compare_7 = stablehlo.compare EQ, %layers.0.moe.rank, %layers.0.moe.constant_11, SIGNED : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
      %layers.0.moe.constant_12 = stablehlo.constant dense<0.0> : tensor<1x9xf32>
      %layers.0.moe.select_4 = stablehlo.select %layers.0.moe.compare_7, %layers.0.moe.slice, %layers.0.moe.constant_12 : tensor<1x9xi1>, tensor<1x9xf32>
      %layers.0.moe.constant_13 = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.0.moe.reduce_5 = stablehlo.reduce(%layers.0.moe.select_4 init: %layers.0.moe.constant_13) applies stablehlo.add across dimensions = [1] : (tensor<1x9xf32>, tensor<f32>) -> tensor<1xf32>
      %layers.0.moe.subtract = stablehlo.subtract %layers.0.moe.reduce_4, %layers.0.moe.reduce_4 : tensor<1xf32>
      %layers.0.moe.exponential = stablehlo.exponential %layers.0.moe.subtract : tensor<1xf32>
      %layers.0.moe.subtract_2 = stablehlo.subtract %layers.0.moe.reduce_5, %layers.0.moe.reduce_4 : tensor<1xf32>
      %layers.0.moe.exponential_2 = stablehlo.exponential %layers.0.moe.subtract_2 : tensor<1xf32>
      %layers.0.moe.add_2 = stablehlo.add %layers.0.moe.exponential, %layers.0.moe.exponential_2 : tensor<1xf32>
      %layers.0.moe.divide = stablehlo.divide %layers.0.moe.exponential, %layers.0.moe.add_2 : tensor<1xf32>
      %layers.0.moe.divide_2 = stablehlo.divide %layers.0.moe.exponential_2, %layers.0.moe.add_2 : tensor<1xf32>
      %layers.0.moe.constant_14 = stablehlo.constant dense<2> : tensor<1x9xi32>
      %layers.0.moe.compare_8 = stablehlo.compare LT, %layers.0.moe.rank, %layers.0.moe.constant_14, SIGNED : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
      %layers.0.moe.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %layers.0.moe.reduce_4, dims = [0] : (tensor<1xf32>) -> tensor<1x9xf32>
      %layers.0.moe.subtract_3 = stablehlo.subtract %layers.0.moe.slice, %layers.0.moe.broadcast_in_dim_4 : tensor<1x9xf32>
      %layers.0.moe.exponential_3 = stablehlo.exponential %layers.0.moe.subtract_3 : tensor<1x9xf32>
      %layers.0.moe.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %layers.0.moe.add_2, dims = [0] : (tensor<1xf32>) -> tensor<1x9xf32>
      %layers.0.moe.divide_3 = stablehlo.divide %layers.0.moe.exponential_3, %layers.0.moe.broadcast_in_dim_5 : tensor<1x9xf32>
      %layers.0.moe.constant_15 = stablehlo.constant dense<0.0> : tensor<1x9xf32>
      %layers.0.moe.select_5 = stablehlo.select %layers.0.moe.compare_8, %layers.0.moe.divide_3, %layers.0.moe.constant_15 : tensor<1x9xi1>, tensor<1x9xf32>
      %layers.0.moe.convert_6 = stablehlo.convert %layers.0.moe.compare_8 : (tensor<1x9xi1>) -> tensor<1x9xf32>
      %layers.0.moe.slice_2 = stablehlo.slice %layers.0.moe.norm.multiply_3 [0:1, 0:416] : (tensor<8x416xf32>) -> tensor<1x416xf32>
      %layers.0.moe.convert_7 = stablehlo.convert %layers.0.moe.slice_2 : (tensor<1x416xf32>) -> tensor<1x416xbf16>
      %layers.0.moe.constant_16 = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.moe.reshape = stablehlo.reshape %layers.0.moe.convert_4 : (tensor<1xi32>) -> tensor<i32>
      %layers.0.moe.reshape_2 = stablehlo.reshape %layers.0.moe.divide : (tensor<1xf32>) -> tensor<f32>
      %layers.0.moe.reshape_3 = stablehlo.reshape %layers.0.moe.convert_5 : (tensor<1xi32>) -> tensor<i32>
      %layers.0.moe.reshape_4 = stablehlo.reshape %layers.0.moe.divide_2 : (tensor<1xf32>) -> tensor<f32>
      %layers.0.moe.constant_17 = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.moe.dynamic_slice = stablehlo.dynamic_slice %layers.0.moe.gate_up.bias, %layers.0.moe.constant_17, %layers.0.moe.reshape, %layers.0.moe.constant_17, sizes = [8, 1, 256] : (tensor<8x9x256xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x1x256xf32>
      %layers.0.moe.reshape_5 = stablehlo.reshape %layers.0.moe.dynamic_slice : (tensor<8x1x256xf32>) -> tensor<8x256xf32>
      %layers.0.moe.constant_18 = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.moe.dynamic_slice_2 = stablehlo.dynamic_slice %layers.0.moe.gate_up.weight, %layers.0.moe.constant_18, %layers.0.moe.reshape, %layers.0.moe.constant_18, %layers.0.moe.constant_18, %layers.0.moe.constant_18, sizes = [8, 1, 13, 32, 256] : (tensor<8x9x13x32x256xf4E2M1FN>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x1x13x32x256xf4E2M1FN>
      %layers.0.moe.reshape_6 = stablehlo.reshape %layers.0.moe.dynamic_slice_2 : (tensor<8x1x13x32x256xf4E2M1FN>) -> tensor<8x13x32x256xf4E2M1FN>
      %layers.0.moe.custom_call = stablehlo.custom_call @LayoutConstraint(%layers.0.moe.reshape_6) {operand_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>]} : (tensor<8x13x32x256xf4E2M1FN>) -> tensor<8x13x32x256xf4E2M1FN>
      %layers.0.moe.constant_19 = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.moe.constant_20 = stablehlo.constant dense<13> : tensor<i32>
      %layers.0.moe.multiply = stablehlo.multiply %layers.0.moe.reshape, %layers.0.moe.constant_20 : tensor<i32>
      %layers.0.moe.dynamic_slice_3 = stablehlo.dynamic_slice %layers.0.moe.gate_up.scales, %layers.0.moe.constant_19, %layers.0.moe.multiply, %layers.0.moe.constant_19, sizes = [8, 13, 256] : (tensor<8x117x256xbf16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x13x256xbf16>
      %layers.0.moe.convert_8 = stablehlo.convert %layers.0.moe.dynamic_slice_3 : (tensor<8x13x256xbf16>) -> tensor<8x13x256xf32>
      %layers.0.moe.convert_9 = stablehlo.convert %layers.0.moe.custom_call : (tensor<8x13x32x256xf4E2M1FN>) -> tensor<8x13x32x256xf32>
      %layers.0.moe.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %layers.0.moe.convert_8, dims = [0, 1, 3] : (tensor<8x13x256xf32>) -> tensor<8x13x32x256xf32>
      %layers.0.moe.multiply_2 = stablehlo.multiply %layers.0.moe.convert_9, %layers.0.moe.broadcast_in_dim_6 : tensor<8x13x32x256xf32>
      %layers.0.moe.unpacked = stablehlo.convert %layers.0.moe.multiply_2 : (tensor<8x13x32x256xf32>) -> tensor<8x13x32x256xbf16>
      %layers.0.moe.reshape_7 = stablehlo.reshape %layers.0.moe.convert_7 : (tensor<1x416xbf16>) -> tensor<1x13x32xbf16>
      %layers.0.moe.dot_general_2 = stablehlo.dot_general %layers.0.moe.reshape_7, %layers.0.moe.unpacked, contracting_dims = [1, 2] x [1, 2] : (tensor<1x13x32xbf16>, tensor<8x13x32x256xbf16>) -> tensor<1x8x256xf32>
      %layers.0.moe.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %layers.0.moe.reshape_5, dims = [1, 2] : (tensor<8x256xf32>) -> tensor<1x8x256xf32>
      %layers.0.moe.add_3 = stablehlo.add %layers.0.moe.dot_general_2, %layers.0.moe.broadcast_in_dim_7 : tensor<1x8x256xf32>
      %layers.0.moe.slice_3 = stablehlo.slice %layers.0.moe.add_3 [0:1, 0:8, 0:128] : (tensor<1x8x256xf32>) -> tensor<1x8x128xf32>
      %layers.0.moe.slice_4 = stablehlo.slice %layers.0.moe.add_3 [0:1, 0:8, 128:256] : (tensor<1x8x256xf32>) -> tensor<1x8x128xf32>
      %layers.0.moe.constant_21 = stablehlo.constant dense<7.0> : tensor<1x8x128xf32>
      %layers.0.moe.minimum = stablehlo.minimum %layers.0.moe.slice_3, %layers.0.moe.constant_21 : tensor<1x8x128xf32>
      %layers.0.moe.constant_22 = stablehlo.constant dense<7.0> : tensor<1x8x128xf32>
      %layers.0.moe.minimum_2 = stablehlo.minimum %layers.0.moe.slice_4, %layers.0.moe.constant_22 : tensor<1x8x128xf32>
      %layers.0.moe.constant_23 = stablehlo.constant dense<-7.0> : tensor<1x8x128xf32>
      %layers.0.moe.maximum = stablehlo.maximum %layers.0.moe.minimum_2, %layers.0.moe.constant_23 : tensor<1x8x128xf32>
      %layers.0.moe.constant_24 = stablehlo.constant dense<1.702> : tensor<1x8x128xf32>
      %layers.0.moe.multiply_3 = stablehlo.multiply %layers.0.moe.minimum, %layers.0.moe.constant_24 : tensor<1x8x128xf32>
      %layers.0.moe.logistic = stablehlo.logistic %layers.0.moe.multiply_3 : tensor<1x8x128xf32>
      %layers.0.moe.multiply_4 = stablehlo.multiply %layers.0.moe.minimum, %layers.0.moe.logistic : tensor<1x8x128xf32>
      %layers.0.moe.constant_25 = stablehlo.constant dense<1.0> : tensor<1x8x128xf32>
      %layers.0.moe.add_4 = stablehlo.add %layers.0.moe.maximum, %layers.0.moe.constant_25 : tensor<1x8x128xf32>
      %layers.0.moe.multiply_5 = stablehlo.multiply %layers.0.moe.multiply_4, %layers.0.moe.add_4 : tensor<1x8x128xf32>
      %layers.0.moe.convert_11 = stablehlo.convert %layers.0.moe.multiply_5 : (tensor<1x8x128xf32>) -> tensor<1x8x128xbf16>
      %layers.0.moe.constant_26 = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.moe.dynamic_slice_4 = stablehlo.dynamic_slice %layers.0.moe.down.weight, %layers.0.moe.constant_26, %layers.0.moe.reshape, %layers.0.moe.constant_26, %layers.0.moe.constant_26, %layers.0.moe.constant_26, sizes = [8, 1, 4, 32, 512] : (tensor<8x9x4x32x512xf4E2M1FN>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x1x4x32x512xf4E2M1FN>
      %layers.0.moe.reshape_8 = stablehlo.reshape %layers.0.moe.dynamic_slice_4 : (tensor<8x1x4x32x512xf4E2M1FN>) -> tensor<8x4x32x512xf4E2M1FN>
      %layers.0.moe.custom_call_2 = stablehlo.custom_call @LayoutConstraint(%layers.0.moe.reshape_8) {operand_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>]} : (tensor<8x4x32x512xf4E2M1FN>) -> tensor<8x4x32x512xf4E2M1FN>
      %layers.0.moe.constant_27 = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.moe.constant_28 = stablehlo.constant dense<4> : tensor<i32>
      %layers.0.moe.multiply_6 = stablehlo.multiply %layers.0.moe.reshape, %layers.0.moe.constant_28 : tensor<i32>
      %layers.0.moe.dynamic_slice_5 = stablehlo.dynamic_slice %layers.0.moe.down.scales, %layers.0.moe.constant_27, %layers.0.moe.multiply_6, %layers.0.moe.constant_27, sizes = [8, 4, 512] : (tensor<8x36x512xbf16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x4x512xbf16>
      %layers.0.moe.convert_12 = stablehlo.convert %layers.0.moe.dynamic_slice_5 : (tensor<8x4x512xbf16>) -> tensor<8x4x512xf32>
      %layers.0.moe.convert_13 = stablehlo.convert %layers.0.moe.custom_call_2 : (tensor<8x4x32x512xf4E2M1FN>) -> tensor<8x4x32x512xf32>
      %layers.0.moe.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %layers.0.moe.convert_12, dims = [0, 1, 3] : (tensor<8x4x512xf32>) -> tensor<8x4x32x512xf32>
      %layers.0.moe.multiply_7 = stablehlo.multiply %layers.0.moe.convert_13, %layers.0.moe.broadcast_in_dim_8 : tensor<8x4x32x512xf32>
      %layers.0.moe.unpacked_2 = stablehlo.convert %layers.0.moe.multiply_7 : (tensor<8x4x32x512xf32>) -> tensor<8x4x32x512xbf16>
      %layers.0.moe.reshape_9 = stablehlo.reshape %layers.0.moe.convert_11 : (tensor<1x8x128xbf16>) -> tensor<1x8x4x32xbf16>
      %layers.0.moe.dot_general_3 = stablehlo.dot_general %layers.0.moe.reshape_9, %layers.0.moe.unpacked_2, batching_dims = [1] x [0], contracting_dims = [2, 3] x [1, 2] : (tensor<1x8x4x32xbf16>, tensor<8x4x32x512xbf16>) -> tensor<8x1x512xf32>
      %layers.0.moe.transpose = stablehlo.transpose %layers.0.moe.dot_general_3, dims = [1, 0, 2] : (tensor<8x1x512xf32>) -> tensor<1x8x512xf32>
      %layers.0.moe.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %layers.0.moe.reshape_2, dims = [] : (tensor<f32>) -> tensor<1x8x512xf32>
      %layers.0.moe.multiply_8 = stablehlo.multiply %layers.0.moe.transpose, %layers.0.moe.broadcast_in_dim_9 : tensor<1x8x512xf32>
      %layers.0.moe.constant_29 = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.moe.dynamic_slice_6 = stablehlo.dynamic_slice %layers.0.moe.gate_up.bias, %layers.0.moe.constant_29, %layers.0.moe.reshape_3, %layers.0.moe.constant_29, sizes = [8, 1, 256] : (tensor<8x9x256xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x1x256xf32>
      %layers.0.moe.reshape_10 = stablehlo.reshape %layers.0.moe.dynamic_slice_6 : (tensor<8x1x256xf32>) -> tensor<8x256xf32>
      %layers.0.moe.constant_30 = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.moe.dynamic_slice_7 = stablehlo.dynamic_slice %layers.0.moe.gate_up.weight, %layers.0.moe.constant_30, %layers.0.moe.reshape_3, %layers.0.moe.constant_30, %layers.0.moe.constant_30, %layers.0.moe.constant_30, sizes = [8, 1, 13, 32, 256] : (tensor<8x9x13x32x256xf4E2M1FN>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x1x13x32x256xf4E2M1FN>
      %layers.0.moe.reshape_11 = stablehlo.reshape %layers.0.moe.dynamic_slice_7 : (tensor<8x1x13x32x256xf4E2M1FN>) -> tensor<8x13x32x256xf4E2M1FN>
      %layers.0.moe.custom_call_3 = stablehlo.custom_call @LayoutConstraint(%layers.0.moe.reshape_11) {operand_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>]} : (tensor<8x13x32x256xf4E2M1FN>) -> tensor<8x13x32x256xf4E2M1FN>
      %layers.0.moe.constant_31 = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.moe.constant_32 = stablehlo.constant dense<13> : tensor<i32>
      %layers.0.moe.multiply_9 = stablehlo.multiply %layers.0.moe.reshape_3, %layers.0.moe.constant_32 : tensor<i32>
      %layers.0.moe.dynamic_slice_8 = stablehlo.dynamic_slice %layers.0.moe.gate_up.scales, %layers.0.moe.constant_31, %layers.0.moe.multiply_9, %layers.0.moe.constant_31, sizes = [8, 13, 256] : (tensor<8x117x256xbf16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x13x256xbf16>
      %layers.0.moe.convert_15 = stablehlo.convert %layers.0.moe.dynamic_slice_8 : (tensor<8x13x256xbf16>) -> tensor<8x13x256xf32>
      %layers.0.moe.convert_16 = stablehlo.convert %layers.0.moe.custom_call_3 : (tensor<8x13x32x256xf4E2M1FN>) -> tensor<8x13x32x256xf32>
      %layers.0.moe.broadcast_in_dim_10 = stablehlo.broadcast_in_dim %layers.0.moe.convert_15, dims = [0, 1, 3] : (tensor<8x13x256xf32>) -> tensor<8x13x32x256xf32>
      %layers.0.moe.multiply_10 = stablehlo.multiply %layers.0.moe.convert_16, %layers.0.moe.broadcast_in_dim_10 : tensor<8x13x32x256xf32>
      %layers.0.moe.unpacked_3 = stablehlo.convert %layers.0.moe.multiply_10 : (tensor<8x13x32x256xf32>) -> tensor<8x13x32x256xbf16>
      %layers.0.moe.reshape_12 = stablehlo.reshape %layers.0.moe.convert_7 : (tensor<1x416xbf16>) -> tensor<1x13x32xbf16>
      %layers.0.moe.dot_general_4 = stablehlo.dot_general %layers.0.moe.reshape_12, %layers.0.moe.unpacked_3, contracting_dims = [1, 2] x [1, 2] : (tensor<1x13x32xbf16>, tensor<8x13x32x256xbf16>) -> tensor<1x8x256xf32>
      %layers.0.moe.broadcast_in_dim_11 = stablehlo.broadcast_in_dim %layers.0.moe.reshape_10, dims = [1, 2] : (tensor<8x256xf32>) -> tensor<1x8x256xf32>
      %layers.0.moe.add_5 = stablehlo.add %layers.0.moe.dot_general_4, %layers.0.moe.broadcast_in_dim_11 : tensor<1x8x256xf32>
      %layers.0.moe.slice_5 = stablehlo.slice %layers.0.moe.add_5 [0:1, 0:8, 0:128] : (tensor<1x8x256xf32>) -> tensor<1x8x128xf32>
      %layers.0.moe.slice_6 = stablehlo.slice %layers.0.moe.add_5 [0:1, 0:8, 128:256] : (tensor<1x8x256xf32>) -> tensor<1x8x128xf32>
      %layers.0.moe.constant_33 = stablehlo.constant dense<7.0> : tensor<1x8x128xf32>
      %layers.0.moe.minimum_3 = stablehlo.minimum %layers.0.moe.slice_5, %layers.0.moe.constant_33 : tensor<1x8x128xf32>
      %layers.0.moe.constant_34 = stablehlo.constant dense<7.0> : tensor<1x8x128xf32>
      %layers.0.moe.minimum_4 = stablehlo.minimum %layers.0.moe.slice_6, %layers.0.moe.constant_34 : tensor<1x8x128xf32>
      %layers.0.moe.constant_35 = stablehlo.constant dense<-7.0> : tensor<1x8x128xf32>
      %layers.0.moe.maximum_2 = stablehlo.maximum %layers.0.moe.minimum_4, %layers.0.moe.constant_35 : tensor<1x8x128xf32>
      %layers.0.moe.constant_36 = stablehlo.constant dense<1.702> : tensor<1x8x128xf32>
      %layers.0.moe.multiply_11 = stablehlo.multiply %layers.0.moe.minimum_3, %layers.0.moe.constant_36 : tensor<1x8x128xf32>
      %layers.0.moe.logistic_2 = stablehlo.logistic %layers.0.moe.multiply_11 : tensor<1x8x128xf32>
      %layers.0.moe.multiply_12 = stablehlo.multiply %layers.0.moe.minimum_3, %layers.0.moe.logistic_2 : tensor<1x8x128xf32>
      %layers.0.moe.constant_37 = stablehlo.constant dense<1.0> : tensor<1x8x128xf32>
      %layers.0.moe.add_6 = stablehlo.add %layers.0.moe.maximum_2, %layers.0.moe.constant_37 : tensor<1x8x128xf32>
      %layers.0.moe.multiply_13 = stablehlo.multiply %layers.0.moe.multiply_12, %layers.0.moe.add_6 : tensor<1x8x128xf32>
      %layers.0.moe.convert_18 = stablehlo.convert %layers.0.moe.multiply_13 : (tensor<1x8x128xf32>) -> tensor<1x8x128xbf16>
      %layers.0.moe.constant_38 = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.moe.dynamic_slice_9 = stablehlo.dynamic_slice %layers.0.moe.down.weight, %layers.0.moe.constant_38, %layers.0.moe.reshape_3, %layers.0.moe.constant_38, %layers.0.moe.constant_38, %layers.0.moe.constant_38, sizes = [8, 1, 4, 32, 512] : (tensor<8x9x4x32x512xf4E2M1FN>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x1x4x32x512xf4E2M1FN>
      %layers.0.moe.reshape_13 = stablehlo.reshape %layers.0.moe.dynamic_slice_9 : (tensor<8x1x4x32x512xf4E2M1FN>) -> tensor<8x4x32x512xf4E2M1FN>
      %layers.0.moe.custom_call_4 = stablehlo.custom_call @LayoutConstraint(%layers.0.moe.reshape_13) {operand_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>]} : (tensor<8x4x32x512xf4E2M1FN>) -> tensor<8x4x32x512xf4E2M1FN>
      %layers.0.moe.constant_39 = stablehlo.constant dense<0> : tensor<i32>
      %layers.0.moe.constant_40 = stablehlo.constant dense<4> : tensor<i32>
      %layers.0.moe.multiply_14 = stablehlo.multiply %layers.0.moe.reshape_3, %layers.0.moe.constant_40 : tensor<i32>
      %layers.0.moe.dynamic_slice_10 = stablehlo.dynamic_slice %layers.0.moe.down.scales, %layers.0.moe.constant_39, %layers.0.moe.multiply_14, %layers.0.moe.constant_39, sizes = [8, 4, 512] : (tensor<8x36x512xbf16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x4x512xbf16>
      %layers.0.moe.convert_19 = stablehlo.convert %layers.0.moe.dynamic_slice_10 : (tensor<8x4x512xbf16>) -> tensor<8x4x512xf32>
      %layers.0.moe.convert_20 = stablehlo.convert %layers.0.moe.custom_call_4 : (tensor<8x4x32x512xf4E2M1FN>) -> tensor<8x4x32x512xf32>
      %layers.0.moe.broadcast_in_dim_12 = stablehlo.broadcast_in_dim %layers.0.moe.convert_19, dims = [0, 1, 3] : (tensor<8x4x512xf32>) -> tensor<8x4x32x512xf32>
      %layers.0.moe.multiply_15 = stablehlo.multiply %layers.0.moe.convert_20, %layers.0.moe.broadcast_in_dim_12 : tensor<8x4x32x512xf32>
      %layers.0.moe.unpacked_4 = stablehlo.convert %layers.0.moe.multiply_15 : (tensor<8x4x32x512xf32>) -> tensor<8x4x32x512xbf16>
      %layers.0.moe.reshape_14 = stablehlo.reshape %layers.0.moe.convert_18 : (tensor<1x8x128xbf16>) -> tensor<1x8x4x32xbf16>
      %layers.0.moe.dot_general_5 = stablehlo.dot_general %layers.0.moe.reshape_14, %layers.0.moe.unpacked_4, batching_dims = [1] x [0], contracting_dims = [2, 3] x [1, 2] : (tensor<1x8x4x32xbf16>, tensor<8x4x32x512xbf16>) -> tensor<8x1x512xf32>
      %layers.0.moe.transpose_2 = stablehlo.transpose %layers.0.moe.dot_general_5, dims = [1, 0, 2] : (tensor<8x1x512xf32>) -> tensor<1x8x512xf32>
      %layers.0.moe.broadcast_in_dim_13 = stablehlo.broadcast_in_dim %layers.0.moe.reshape_4, dims = [] : (tensor<f32>) -> tensor<1x8x512xf32>
      %layers.0.moe.multiply_16 = stablehlo.multiply %layers.0.moe.transpose_2, %layers.0.moe.broadcast_in_dim_13 : tensor<1x8x512xf32>
      %layers.0.moe.add_7 = stablehlo.add %layers.0.moe.multiply_8, %layers.0.moe.multiply_16 : tensor<1x8x512xf32>
      %layers.0.moe.constant_41 = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.0.moe.reduce_6 = stablehlo.reduce(%layers.0.moe.add_7 init: %layers.0.moe.constant_41) applies stablehlo.add across dimensions = [1] : (tensor<1x8x512xf32>, tensor<f32>) -> tensor<1x512xf32>
      %layers.0.moe.sharding_constraint = sdy.sharding_constraint %layers.0.moe.reduce_6 <@devices, [{}, {}]> : tensor<1x512xf32>
      %layers.0.moe.slice_7 = stablehlo.slice %layers.0.moe.sharding_constraint [0:1, 0:416] : (tensor<1x512xf32>) -> tensor<1x416xf32>
      %layers.0.moe.reshape_15 = stablehlo.reshape %layers.0.moe.slice_7 : (tensor<1x416xf32>) -> tensor<416xf32>
      %layers.0.moe.broadcast_in_dim_14 = stablehlo.broadcast_in_dim %layers.0.moe.reshape_15, dims = [1] : (tensor<416xf32>) -> tensor<8x416xf32>
      %layers.0.moe.dynamic_slice_11 = stablehlo.dynamic_slice %layers.0.moe.down.bias, %layers.0.moe.reshape, %layers.0.moe.constant_16, sizes = [1, 416] : (tensor<9x416xf32>, tensor<i32>, tensor<i32>) -> tensor<1x416xf32>
      %layers.0.moe.reshape_16 = stablehlo.reshape %layers.0.moe.dynamic_slice_11 : (tensor<1x416xf32>) -> tensor<416xf32>
      %layers.0.moe.broadcast_in_dim_15 = stablehlo.broadcast_in_dim %layers.0.moe.reshape_16, dims = [1] : (tensor<416xf32>) -> tensor<8x416xf32>
      %layers.0.moe.broadcast_in_dim_16 = stablehlo.broadcast_in_dim %layers.0.moe.reshape_2, dims = [] : (tensor<f32>) -> tensor<8x416xf32>
      %layers.0.moe.multiply_17 = stablehlo.multiply %layers.0.moe.broadcast_in_dim_15, %layers.0.moe.broadcast_in_dim_16 : tensor<8x416xf32>
      %layers.0.moe.add_8 = stablehlo.add %layers.0.moe.broadcast_in_dim_14, %layers.0.moe.multiply_17 : tensor<8x416xf32>
      %layers.0.moe.dynamic_slice_12 = stablehlo.dynamic_slice %layers.0.moe.down.bias, %layers.0.moe.reshape_3, %layers.0.moe.constant_16, sizes = [1, 416] : (tensor<9x416xf32>, tensor<i32>, tensor<i32>) -> tensor<1x416xf32>
      %layers.0.moe.reshape_17 = stablehlo.reshape %layers.0.moe.dynamic_slice_12 : (tensor<1x416xf32>) -> tensor<416xf32>
      %layers.0.moe.broadcast_in_dim_17 = stablehlo.broadcast_in_dim %layers.0.moe.reshape_17, dims = [1] : (tensor<416xf32>) -> tensor<8x416xf32>
      %layers.0.moe.broadcast_in_dim_18 = stablehlo.broadcast_in_dim %layers.0.moe.reshape_4, dims = [] : (tensor<f32>) -> tensor<8x416xf32>
      %layers.0.moe.multiply_18 = stablehlo.multiply %layers.0.moe.broadcast_in_dim_17, %layers.0.moe.broadcast_in_dim_18 : tensor<8x416xf32>
      %layers.0.moe.add_9 = stablehlo.add %layers.0.moe.add_8, %layers.0.moe.multiply_18 : tensor<8x416xf32>
      %layers.0.add_2 = stablehlo.add %layers.0.add, %layers.0.moe.add_9 : tensor<8x416xf32>
      %layers.1.attention.norm.multiply = stablehlo.multiply %layers.0.add_2, %layers.0.add_2 : tensor<8x416xf32>
      %layers.1.attention.norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.1.attention.norm.reduce = stablehlo.reduce(%layers.1.attention.norm.multiply init: %layers.1.attention.norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<8x416xf32>, tensor<f32>) -> tensor<8xf32>
      %layers.1.attention.norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<8xf32>
      %layers.1.attention.norm.divide = stablehlo.divide %layers.1.attention.norm.reduce, %layers.1.attention.norm.constant_2 : tensor<8xf32>
      %layers.1.attention.norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<8xf32>
      %layers.1.attention.norm.add = stablehlo.add %layers.1.attention.norm.divide, %layers.1.attention.norm.constant_3 : tensor<8xf32>
      %layers.1.attention.norm.rsqrt = stablehlo.rsqrt %layers.1.attention.norm.add : tensor<8xf32>
      %layers.1.attention.norm.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.1.attention.norm.rsqrt, dims = [0] : (tensor<8xf32>) -> tensor<8x416xf32>
      %layers.1.attention.norm.multiply_2 = stablehlo.multiply %layers.0.add_2, %layers.1.attention.norm.broadcast_in_dim : tensor<8x416xf32>
      %layers.1.attention.norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.1.attention.norm, dims = [1] : (tensor<416xf32>) -> tensor<8x416xf32>
      %layers.1.attention.norm.multiply_3 = stablehlo.multiply %layers.1.attention.norm.multiply_2, %layers.1.attention.norm.broadcast_in_dim_2 : tensor<8x416xf32>
      %layers.1.attention.convert = stablehlo.convert %layers.1.attention.norm.multiply_3 : (tensor<8x416xf32>) -> tensor<8x416xbf16>
      %layers.1.attention.dot_general = stablehlo.dot_general %layers.1.attention.convert, %layers.1.attention.qkv.weight, contracting_dims = [1] x [1] : (tensor<8x416xbf16>, tensor<1680x416xbf16>) -> tensor<8x1680xf32>
      %layers.1.attention.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.1.attention.qkv.bias, dims = [1] : (tensor<1680xf32>) -> tensor<8x1680xf32>
      %layers.1.attention.add = stablehlo.add %layers.1.attention.dot_general, %layers.1.attention.broadcast_in_dim : tensor<8x1680xf32>
      %layers.1.attention.optimization_barrier = stablehlo.optimization_barrier %layers.1.attention.add : tensor<8x1680xf32>
      %layers.1.attention.slice = stablehlo.slice %layers.1.attention.optimization_barrier [0:1, 0:1680] : (tensor<8x1680xf32>) -> tensor<1x1680xf32>
      %layers.1.attention.reshape = stablehlo.reshape %layers.1.attention.slice : (tensor<1x1680xf32>) -> tensor<1x12x5x28xf32>
      %layers.1.attention.sharding_constraint = sdy.sharding_constraint %layers.1.attention.reshape <@devices, [{}, {"heads"}, {}, {}]> : tensor<1x12x5x28xf32>
      %layers.1.attention.slice_2 = stablehlo.slice %layers.1.attention.sharding_constraint [0:1, 0:12, 0:3, 0:28] : (tensor<1x12x5x28xf32>) -> tensor<1x12x3x28xf32>
      %layers.1.attention.slice_3 = stablehlo.slice %layers.1.attention.slice_2 [0:1, 0:12, 0:3, 0:14] : (tensor<1x12x3x28xf32>) -> tensor<1x12x3x14xf32>
      %layers.1.attention.slice_4 = stablehlo.slice %layers.1.attention.slice_2 [0:1, 0:12, 0:3, 14:28] : (tensor<1x12x3x28xf32>) -> tensor<1x12x3x14xf32>
      %layers.1.attention.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %rope.cos_2, dims = [0, 3] : (tensor<1x14xf32>) -> tensor<1x12x3x14xf32>
      %layers.1.attention.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %rope.sin_2, dims = [0, 3] : (tensor<1x14xf32>) -> tensor<1x12x3x14xf32>
      %layers.1.attention.multiply = stablehlo.multiply %layers.1.attention.slice_3, %layers.1.attention.broadcast_in_dim_2 : tensor<1x12x3x14xf32>
      %layers.1.attention.multiply_2 = stablehlo.multiply %layers.1.attention.slice_4, %layers.1.attention.broadcast_in_dim_3 : tensor<1x12x3x14xf32>
      %layers.1.attention.subtract = stablehlo.subtract %layers.1.attention.multiply, %layers.1.attention.multiply_2 : tensor<1x12x3x14xf32>
      %layers.1.attention.multiply_3 = stablehlo.multiply %layers.1.attention.slice_4, %layers.1.attention.broadcast_in_dim_2 : tensor<1x12x3x14xf32>
      %layers.1.attention.multiply_4 = stablehlo.multiply %layers.1.attention.slice_3, %layers.1.attention.broadcast_in_dim_3 : tensor<1x12x3x14xf32>
      %layers.1.attention.add_2 = stablehlo.add %layers.1.attention.multiply_3, %layers.1.attention.multiply_4 : tensor<1x12x3x14xf32>
      %layers.1.attention.concatenate = stablehlo.concatenate %layers.1.attention.subtract, %layers.1.attention.add_2, dim = 3 : (tensor<1x12x3x14xf32>, tensor<1x12x3x14xf32>) -> tensor<1x12x3x28xf32>
      %layers.1.attention.convert_2 = stablehlo.convert %layers.1.attention.concatenate : (tensor<1x12x3x28xf32>) -> tensor<1x12x3x28xbf16>
      %layers.1.attention.queries = stablehlo.reshape %layers.1.attention.convert_2 : (tensor<1x12x3x28xbf16>) -> tensor<1x1x12x3x28xbf16>
      %layers.1.attention.keys.slice = stablehlo.slice %layers.1.attention.sharding_constraint [0:1, 0:12, 3:4, 0:28] : (tensor<1x12x5x28xf32>) -> tensor<1x12x1x28xf32>
      %layers.1.attention.keys.slice_2 = stablehlo.slice %layers.1.attention.keys.slice [0:1, 0:12, 0:1, 0:14] : (tensor<1x12x1x28xf32>) -> tensor<1x12x1x14xf32>
      %layers.1.attention.keys.slice_3 = stablehlo.slice %layers.1.attention.keys.slice [0:1, 0:12, 0:1, 14:28] : (tensor<1x12x1x28xf32>) -> tensor<1x12x1x14xf32>
      %layers.1.attention.keys.broadcast_in_dim = stablehlo.broadcast_in_dim %rope.cos_2, dims = [0, 3] : (tensor<1x14xf32>) -> tensor<1x12x1x14xf32>
      %layers.1.attention.keys.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %rope.sin_2, dims = [0, 3] : (tensor<1x14xf32>) -> tensor<1x12x1x14xf32>
      %layers.1.attention.keys.multiply = stablehlo.multiply %layers.1.attention.keys.slice_2, %layers.1.attention.keys.broadcast_in_dim : tensor<1x12x1x14xf32>
      %layers.1.attention.keys.multiply_2 = stablehlo.multiply %layers.1.attention.keys.slice_3, %layers.1.attention.keys.broadcast_in_dim_2 : tensor<1x12x1x14xf32>
      %layers.1.attention.keys.subtract = stablehlo.subtract %layers.1.attention.keys.multiply, %layers.1.attention.keys.multiply_2 : tensor<1x12x1x14xf32>
      %layers.1.attention.keys.multiply_3 = stablehlo.multiply %layers.1.attention.keys.slice_3, %layers.1.attention.keys.broadcast_in_dim : tensor<1x12x1x14xf32>
      %layers.1.attention.keys.multiply_4 = stablehlo.multiply %layers.1.attention.keys.slice_2, %layers.1.attention.keys.broadcast_in_dim_2 : tensor<1x12x1x14xf32>
      %layers.1.attention.keys.add = stablehlo.add %layers.1.attention.keys.multiply_3, %layers.1.attention.keys.multiply_4 : tensor<1x12x1x14xf32>
      %layers.1.attention.keys.concatenate = stablehlo.concatenate %layers.1.attention.keys.subtract, %layers.1.attention.keys.add, dim = 3 : (tensor<1x12x1x14xf32>, tensor<1x12x1x14xf32>) -> tensor<1x12x1x28xf32>
      %layers.1.attention.keys.reshape = stablehlo.reshape %layers.1.attention.keys.concatenate : (tensor<1x12x1x28xf32>) -> tensor<1x1x12x28xf32>
      %layers.1.attention.keys.transpose = stablehlo.transpose %layers.1.attention.keys.reshape, dims = [0, 2, 1, 3] : (tensor<1x1x12x28xf32>) -> tensor<1x12x1x28xf32>
      %layers.1.attention.keys.convert = stablehlo.convert %layers.1.attention.keys.transpose : (tensor<1x12x1x28xf32>) -> tensor<1x12x1x28xbf16>
      %layers.1.attention.values.slice = stablehlo.slice %layers.1.attention.sharding_constraint [0:1, 0:12, 4:5, 0:28] : (tensor<1x12x5x28xf32>) -> tensor<1x12x1x28xf32>
      %layers.1.attention.values.reshape = stablehlo.reshape %layers.1.attention.values.slice : (tensor<1x12x1x28xf32>) -> tensor<1x1x12x28xf32>
      %layers.1.attention.values.transpose = stablehlo.transpose %layers.1.attention.values.reshape, dims = [0, 2, 1, 3] : (tensor<1x1x12x28xf32>) -> tensor<1x12x1x28xf32>
      %layers.1.attention.values.convert = stablehlo.convert %layers.1.attention.values.transpose : (tensor<1x12x1x28xf32>) -> tensor<1x12x1x28xbf16>
      %layers.1.attention.reshape_3 = stablehlo.reshape %arg_13 : (tensor<1xi32>) -> tensor<1x1xi32>
      %layers.1.attention.slice_5 = stablehlo.slice %arg_13 [0:1] : (tensor<1xi32>) -> tensor<1xi32>
      %layers.1.attention.reshape_4 = stablehlo.reshape %layers.1.attention.slice_5 : (tensor<1xi32>) -> tensor<i32>
      %layers.1.attention.slice_6 = stablehlo.slice %layers.1.attention.keys.convert [0:1, 0:12, 0:1, 0:28] : (tensor<1x12x1x28xbf16>) -> tensor<1x12x1x28xbf16>
      %layers.1.attention.constant = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.attention.constant_2 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.attention.dynamic_update_slice = stablehlo.dynamic_update_slice %arg_19, %layers.1.attention.slice_6, %layers.1.attention.constant, %layers.1.attention.constant_2, %layers.1.attention.reshape_4, %layers.1.attention.constant_2 : (tensor<1x12x1024x28xbf16>, tensor<1x12x1x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x1024x28xbf16>
      %layers.1.attention.slice_7 = stablehlo.slice %arg_13 [0:1] : (tensor<1xi32>) -> tensor<1xi32>
      %layers.1.attention.reshape_5 = stablehlo.reshape %layers.1.attention.slice_7 : (tensor<1xi32>) -> tensor<i32>
      %layers.1.attention.slice_8 = stablehlo.slice %layers.1.attention.values.convert [0:1, 0:12, 0:1, 0:28] : (tensor<1x12x1x28xbf16>) -> tensor<1x12x1x28xbf16>
      %layers.1.attention.constant_3 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.attention.constant_4 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.attention.dynamic_update_slice_2 = stablehlo.dynamic_update_slice %arg_20, %layers.1.attention.slice_8, %layers.1.attention.constant_3, %layers.1.attention.constant_4, %layers.1.attention.reshape_5, %layers.1.attention.constant_4 : (tensor<1x12x1024x28xbf16>, tensor<1x12x1x28xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x12x1024x28xbf16>
      %layers.1.attention.custom_call = stablehlo.custom_call @LayoutConstraint(%layers.1.attention.dynamic_update_slice) {operand_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>]} : (tensor<1x12x1024x28xbf16>) -> tensor<1x12x1024x28xbf16>
      %layers.1.attention.custom_call_2 = stablehlo.custom_call @LayoutConstraint(%layers.1.attention.dynamic_update_slice_2) {operand_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[2, 3, 1, 0]> : tensor<4xindex>]} : (tensor<1x12x1024x28xbf16>) -> tensor<1x12x1024x28xbf16>
      %layers.1.attention.iota = stablehlo.iota dim = 2 : tensor<1x1x1024xi32>
      %layers.1.attention.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %layers.1.attention.reshape_3, dims = [0, 1] : (tensor<1x1xi32>) -> tensor<1x1x1024xi32>
      %layers.1.attention.compare = stablehlo.compare LE, %layers.1.attention.iota, %layers.1.attention.broadcast_in_dim_4, SIGNED : (tensor<1x1x1024xi32>, tensor<1x1x1024xi32>) -> tensor<1x1x1024xi1>
      %layers.1.attention.dot_general_2 = stablehlo.dot_general %layers.1.attention.queries, %layers.1.attention.custom_call, batching_dims = [0, 2] x [0, 1], contracting_dims = [4] x [3] : (tensor<1x1x12x3x28xbf16>, tensor<1x12x1024x28xbf16>) -> tensor<1x12x1x3x1024xf32>
      %layers.1.attention.constant_5 = stablehlo.constant dense<1.8898223e-1> : tensor<1x12x1x3x1024xf32>
      %layers.1.attention.multiply_5 = stablehlo.multiply %layers.1.attention.dot_general_2, %layers.1.attention.constant_5 : tensor<1x12x1x3x1024xf32>
      %layers.1.attention.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %layers.1.attention.compare, dims = [0, 2, 4] : (tensor<1x1x1024xi1>) -> tensor<1x12x1x3x1024xi1>
      %layers.1.attention.constant_6 = stablehlo.constant dense<0xFF800000> : tensor<1x12x1x3x1024xf32>
      %layers.1.attention.scores = stablehlo.select %layers.1.attention.broadcast_in_dim_5, %layers.1.attention.multiply_5, %layers.1.attention.constant_6 : tensor<1x12x1x3x1024xi1>, tensor<1x12x1x3x1024xf32>
      %layers.1.attention.reshape_6 = stablehlo.reshape %layers.1.attention.sinks : (tensor<36xf32>) -> tensor<12x3xf32>
      %layers.1.attention.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %layers.1.attention.reshape_6, dims = [1, 3] : (tensor<12x3xf32>) -> tensor<1x12x1x3xf32>
      %layers.1.attention.constant_7 = stablehlo.constant dense<0xFF800000> : tensor<f32>
      %layers.1.attention.reduce = stablehlo.reduce(%layers.1.attention.scores init: %layers.1.attention.constant_7) applies stablehlo.maximum across dimensions = [4] : (tensor<1x12x1x3x1024xf32>, tensor<f32>) -> tensor<1x12x1x3xf32>
      %layers.1.attention.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %layers.1.attention.reduce, dims = [0, 1, 2, 3] : (tensor<1x12x1x3xf32>) -> tensor<1x12x1x3x1024xf32>
      %layers.1.attention.subtract_2 = stablehlo.subtract %layers.1.attention.scores, %layers.1.attention.broadcast_in_dim_7 : tensor<1x12x1x3x1024xf32>
      %layers.1.attention.weight = stablehlo.exponential %layers.1.attention.subtract_2 : tensor<1x12x1x3x1024xf32>
      %layers.1.attention.constant_8 = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.1.attention.reduce_2 = stablehlo.reduce(%layers.1.attention.weight init: %layers.1.attention.constant_8) applies stablehlo.add across dimensions = [4] : (tensor<1x12x1x3x1024xf32>, tensor<f32>) -> tensor<1x12x1x3xf32>
      %layers.1.attention.subtract_3 = stablehlo.subtract %layers.1.attention.broadcast_in_dim_6, %layers.1.attention.reduce : tensor<1x12x1x3xf32>
      %layers.1.attention.constant_9 = stablehlo.constant dense<6.4e1> : tensor<1x12x1x3xf32>
      %layers.1.attention.minimum = stablehlo.minimum %layers.1.attention.subtract_3, %layers.1.attention.constant_9 : tensor<1x12x1x3xf32>
      %layers.1.attention.exponential_2 = stablehlo.exponential %layers.1.attention.minimum : tensor<1x12x1x3xf32>
      %layers.1.attention.add_3 = stablehlo.add %layers.1.attention.reduce_2, %layers.1.attention.exponential_2 : tensor<1x12x1x3xf32>
      %layers.1.attention.convert_3 = stablehlo.convert %layers.1.attention.weight : (tensor<1x12x1x3x1024xf32>) -> tensor<1x12x1x3x1024xbf16>
      %layers.1.attention.dot_general_3 = stablehlo.dot_general %layers.1.attention.convert_3, %layers.1.attention.custom_call_2, batching_dims = [0, 1] x [0, 1], contracting_dims = [4] x [2] : (tensor<1x12x1x3x1024xbf16>, tensor<1x12x1024x28xbf16>) -> tensor<1x12x1x3x28xf32>
      %layers.1.attention.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %layers.1.attention.add_3, dims = [0, 1, 2, 3] : (tensor<1x12x1x3xf32>) -> tensor<1x12x1x3x28xf32>
      %layers.1.attention.divide = stablehlo.divide %layers.1.attention.dot_general_3, %layers.1.attention.broadcast_in_dim_8 : tensor<1x12x1x3x28xf32>
      %layers.1.attention.transpose = stablehlo.transpose %layers.1.attention.divide, dims = [0, 2, 1, 3, 4] : (tensor<1x12x1x3x28xf32>) -> tensor<1x1x12x3x28xf32>
      %layers.1.attention.attended = stablehlo.reshape %layers.1.attention.transpose : (tensor<1x1x12x3x28xf32>) -> tensor<1x1008xf32>
      %layers.1.attention.constant_10 = stablehlo.constant dense<0.0> : tensor<7x1008xf32>
      %layers.1.attention.concatenate_2 = stablehlo.concatenate %layers.1.attention.attended, %layers.1.attention.constant_10, dim = 0 : (tensor<1x1008xf32>, tensor<7x1008xf32>) -> tensor<8x1008xf32>
      %layers.1.attention.convert_4 = stablehlo.convert %layers.1.attention.concatenate_2 : (tensor<8x1008xf32>) -> tensor<8x1008xbf16>
      %layers.1.attention.dot_general_4 = stablehlo.dot_general %layers.1.attention.convert_4, %layers.1.attention.out.weight, contracting_dims = [1] x [1] : (tensor<8x1008xbf16>, tensor<416x1008xbf16>) -> tensor<8x416xf32>
      %layers.1.attention.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %layers.1.attention.out.bias, dims = [1] : (tensor<416xf32>) -> tensor<8x416xf32>
      %layers.1.attention.add_4 = stablehlo.add %layers.1.attention.dot_general_4, %layers.1.attention.broadcast_in_dim_9 : tensor<8x416xf32>
      %layers.1.attention.sharding_constraint_2 = sdy.sharding_constraint %layers.1.attention.add_4 <@devices, [{}, {}]> : tensor<8x416xf32>
      %layers.1.add = stablehlo.add %layers.0.add_2, %layers.1.attention.sharding_constraint_2 : tensor<8x416xf32>
      %layers.1.moe.norm.multiply = stablehlo.multiply %layers.1.add, %layers.1.add : tensor<8x416xf32>
      %layers.1.moe.norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.1.moe.norm.reduce = stablehlo.reduce(%layers.1.moe.norm.multiply init: %layers.1.moe.norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<8x416xf32>, tensor<f32>) -> tensor<8xf32>
      %layers.1.moe.norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<8xf32>
      %layers.1.moe.norm.divide = stablehlo.divide %layers.1.moe.norm.reduce, %layers.1.moe.norm.constant_2 : tensor<8xf32>
      %layers.1.moe.norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<8xf32>
      %layers.1.moe.norm.add = stablehlo.add %layers.1.moe.norm.divide, %layers.1.moe.norm.constant_3 : tensor<8xf32>
      %layers.1.moe.norm.rsqrt = stablehlo.rsqrt %layers.1.moe.norm.add : tensor<8xf32>
      %layers.1.moe.norm.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.1.moe.norm.rsqrt, dims = [0] : (tensor<8xf32>) -> tensor<8x416xf32>
      %layers.1.moe.norm.multiply_2 = stablehlo.multiply %layers.1.add, %layers.1.moe.norm.broadcast_in_dim : tensor<8x416xf32>
      %layers.1.moe.norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.1.moe.norm, dims = [1] : (tensor<416xf32>) -> tensor<8x416xf32>
      %layers.1.moe.norm.multiply_3 = stablehlo.multiply %layers.1.moe.norm.multiply_2, %layers.1.moe.norm.broadcast_in_dim_2 : tensor<8x416xf32>
      %layers.1.moe.convert = stablehlo.convert %layers.1.moe.norm.multiply_3 : (tensor<8x416xf32>) -> tensor<8x416xbf16>
      %layers.1.moe.dot_general = stablehlo.dot_general %layers.1.moe.convert, %layers.1.moe.router.weight, contracting_dims = [1] x [1] : (tensor<8x416xbf16>, tensor<9x416xbf16>) -> tensor<8x9xf32>
      %layers.1.moe.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.1.moe.router.bias, dims = [1] : (tensor<9xf32>) -> tensor<8x9xf32>
      %layers.1.moe.router = stablehlo.add %layers.1.moe.dot_general, %layers.1.moe.broadcast_in_dim : tensor<8x9xf32>
      %layers.1.moe.optimization_barrier = stablehlo.optimization_barrier %layers.1.moe.router : tensor<8x9xf32>
      %layers.1.moe.slice = stablehlo.slice %layers.1.moe.optimization_barrier [0:1, 0:9] : (tensor<8x9xf32>) -> tensor<1x9xf32>
      %layers.1.moe.iota = stablehlo.iota dim = 1 : tensor<1x9xi32>
      %layers.1.moe.convert_2 = stablehlo.convert %layers.1.moe.iota : (tensor<1x9xi32>) -> tensor<1x9xf32>
      %layers.1.moe.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.1.moe.slice, dims = [0, 1] : (tensor<1x9xf32>) -> tensor<1x9x9xf32>
      %layers.1.moe.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %layers.1.moe.slice, dims = [0, 2] : (tensor<1x9xf32>) -> tensor<1x9x9xf32>
      %layers.1.moe.compare = stablehlo.compare GT, %layers.1.moe.broadcast_in_dim_3, %layers.1.moe.broadcast_in_dim_2, FLOAT : (tensor<1x9x9xf32>, tensor<1x9x9xf32>) -> tensor<1x9x9xi1>
      %layers.1.moe.compare_2 = stablehlo.compare EQ, %layers.1.moe.broadcast_in_dim_3, %layers.1.moe.broadcast_in_dim_2, FLOAT : (tensor<1x9x9xf32>, tensor<1x9x9xf32>) -> tensor<1x9x9xi1>
      %layers.1.moe.iota_2 = stablehlo.iota dim = 2 : tensor<1x9x9xi32>
      %layers.1.moe.iota_3 = stablehlo.iota dim = 1 : tensor<1x9x9xi32>
      %layers.1.moe.compare_3 = stablehlo.compare LT, %layers.1.moe.iota_2, %layers.1.moe.iota_3, SIGNED : (tensor<1x9x9xi32>, tensor<1x9x9xi32>) -> tensor<1x9x9xi1>
      %layers.1.moe.and = stablehlo.and %layers.1.moe.compare_2, %layers.1.moe.compare_3 : tensor<1x9x9xi1>
      %layers.1.moe.or = stablehlo.or %layers.1.moe.compare, %layers.1.moe.and : tensor<1x9x9xi1>
      %layers.1.moe.convert_3 = stablehlo.convert %layers.1.moe.or : (tensor<1x9x9xi1>) -> tensor<1x9x9xi32>
      %layers.1.moe.constant = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.moe.rank = stablehlo.reduce(%layers.1.moe.convert_3 init: %layers.1.moe.constant) applies stablehlo.add across dimensions = [2] : (tensor<1x9x9xi32>, tensor<i32>) -> tensor<1x9xi32>
      %layers.1.moe.constant_2 = stablehlo.constant dense<0> : tensor<1x9xi32>
      %layers.1.moe.compare_4 = stablehlo.compare EQ, %layers.1.moe.rank, %layers.1.moe.constant_2, SIGNED : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
      %layers.1.moe.constant_3 = stablehlo.constant dense<0.0> : tensor<1x9xf32>
      %layers.1.moe.select = stablehlo.select %layers.1.moe.compare_4, %layers.1.moe.convert_2, %layers.1.moe.constant_3 : tensor<1x9xi1>, tensor<1x9xf32>
      %layers.1.moe.constant_4 = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.1.moe.reduce_2 = stablehlo.reduce(%layers.1.moe.select init: %layers.1.moe.constant_4) applies stablehlo.add across dimensions = [1] : (tensor<1x9xf32>, tensor<f32>) -> tensor<1xf32>
      %layers.1.moe.constant_5 = stablehlo.constant dense<1> : tensor<1x9xi32>
      %layers.1.moe.compare_5 = stablehlo.compare EQ, %layers.1.moe.rank, %layers.1.moe.constant_5, SIGNED : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
      %layers.1.moe.constant_6 = stablehlo.constant dense<0.0> : tensor<1x9xf32>
      %layers.1.moe.select_2 = stablehlo.select %layers.1.moe.compare_5, %layers.1.moe.convert_2, %layers.1.moe.constant_6 : tensor<1x9xi1>, tensor<1x9xf32>
      %layers.1.moe.constant_7 = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.1.moe.reduce_3 = stablehlo.reduce(%layers.1.moe.select_2 init: %layers.1.moe.constant_7) applies stablehlo.add across dimensions = [1] : (tensor<1x9xf32>, tensor<f32>) -> tensor<1xf32>
      %layers.1.moe.convert_4 = stablehlo.convert %layers.1.moe.reduce_2 : (tensor<1xf32>) -> tensor<1xi32>
      %layers.1.moe.convert_5 = stablehlo.convert %layers.1.moe.reduce_3 : (tensor<1xf32>) -> tensor<1xi32>
      %layers.1.moe.constant_8 = stablehlo.constant dense<0> : tensor<1x9xi32>
      %layers.1.moe.compare_6 = stablehlo.compare EQ, %layers.1.moe.rank, %layers.1.moe.constant_8, SIGNED : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
      %layers.1.moe.constant_9 = stablehlo.constant dense<0.0> : tensor<1x9xf32>
      %layers.1.moe.select_3 = stablehlo.select %layers.1.moe.compare_6, %layers.1.moe.slice, %layers.1.moe.constant_9 : tensor<1x9xi1>, tensor<1x9xf32>
      %layers.1.moe.constant_10 = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.1.moe.reduce_4 = stablehlo.reduce(%layers.1.moe.select_3 init: %layers.1.moe.constant_10) applies stablehlo.add across dimensions = [1] : (tensor<1x9xf32>, tensor<f32>) -> tensor<1xf32>
      %layers.1.moe.constant_11 = stablehlo.constant dense<1> : tensor<1x9xi32>
      %layers.1.moe.compare_7 = stablehlo.compare EQ, %layers.1.moe.rank, %layers.1.moe.constant_11, SIGNED : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
      %layers.1.moe.constant_12 = stablehlo.constant dense<0.0> : tensor<1x9xf32>
      %layers.1.moe.select_4 = stablehlo.select %layers.1.moe.compare_7, %layers.1.moe.slice, %layers.1.moe.constant_12 : tensor<1x9xi1>, tensor<1x9xf32>
      %layers.1.moe.constant_13 = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.1.moe.reduce_5 = stablehlo.reduce(%layers.1.moe.select_4 init: %layers.1.moe.constant_13) applies stablehlo.add across dimensions = [1] : (tensor<1x9xf32>, tensor<f32>) -> tensor<1xf32>
      %layers.1.moe.subtract = stablehlo.subtract %layers.1.moe.reduce_4, %layers.1.moe.reduce_4 : tensor<1xf32>
      %layers.1.moe.exponential = stablehlo.exponential %layers.1.moe.subtract : tensor<1xf32>
      %layers.1.moe.subtract_2 = stablehlo.subtract %layers.1.moe.reduce_5, %layers.1.moe.reduce_4 : tensor<1xf32>
      %layers.1.moe.exponential_2 = stablehlo.exponential %layers.1.moe.subtract_2 : tensor<1xf32>
      %layers.1.moe.add_2 = stablehlo.add %layers.1.moe.exponential, %layers.1.moe.exponential_2 : tensor<1xf32>
      %layers.1.moe.divide = stablehlo.divide %layers.1.moe.exponential, %layers.1.moe.add_2 : tensor<1xf32>
      %layers.1.moe.divide_2 = stablehlo.divide %layers.1.moe.exponential_2, %layers.1.moe.add_2 : tensor<1xf32>
      %layers.1.moe.constant_14 = stablehlo.constant dense<2> : tensor<1x9xi32>
      %layers.1.moe.compare_8 = stablehlo.compare LT, %layers.1.moe.rank, %layers.1.moe.constant_14, SIGNED : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
      %layers.1.moe.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %layers.1.moe.reduce_4, dims = [0] : (tensor<1xf32>) -> tensor<1x9xf32>
      %layers.1.moe.subtract_3 = stablehlo.subtract %layers.1.moe.slice, %layers.1.moe.broadcast_in_dim_4 : tensor<1x9xf32>
      %layers.1.moe.exponential_3 = stablehlo.exponential %layers.1.moe.subtract_3 : tensor<1x9xf32>
      %layers.1.moe.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %layers.1.moe.add_2, dims = [0] : (tensor<1xf32>) -> tensor<1x9xf32>
      %layers.1.moe.divide_3 = stablehlo.divide %layers.1.moe.exponential_3, %layers.1.moe.broadcast_in_dim_5 : tensor<1x9xf32>
      %layers.1.moe.constant_15 = stablehlo.constant dense<0.0> : tensor<1x9xf32>
      %layers.1.moe.select_5 = stablehlo.select %layers.1.moe.compare_8, %layers.1.moe.divide_3, %layers.1.moe.constant_15 : tensor<1x9xi1>, tensor<1x9xf32>
      %layers.1.moe.convert_6 = stablehlo.convert %layers.1.moe.compare_8 : (tensor<1x9xi1>) -> tensor<1x9xf32>
      %layers.1.moe.slice_2 = stablehlo.slice %layers.1.moe.norm.multiply_3 [0:1, 0:416] : (tensor<8x416xf32>) -> tensor<1x416xf32>
      %layers.1.moe.convert_7 = stablehlo.convert %layers.1.moe.slice_2 : (tensor<1x416xf32>) -> tensor<1x416xbf16>
      %layers.1.moe.constant_16 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.moe.reshape = stablehlo.reshape %layers.1.moe.convert_4 : (tensor<1xi32>) -> tensor<i32>
      %layers.1.moe.reshape_2 = stablehlo.reshape %layers.1.moe.divide : (tensor<1xf32>) -> tensor<f32>
      %layers.1.moe.reshape_3 = stablehlo.reshape %layers.1.moe.convert_5 : (tensor<1xi32>) -> tensor<i32>
      %layers.1.moe.reshape_4 = stablehlo.reshape %layers.1.moe.divide_2 : (tensor<1xf32>) -> tensor<f32>
      %layers.1.moe.constant_17 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.moe.dynamic_slice = stablehlo.dynamic_slice %layers.1.moe.gate_up.bias, %layers.1.moe.constant_17, %layers.1.moe.reshape, %layers.1.moe.constant_17, sizes = [8, 1, 256] : (tensor<8x9x256xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x1x256xf32>
      %layers.1.moe.reshape_5 = stablehlo.reshape %layers.1.moe.dynamic_slice : (tensor<8x1x256xf32>) -> tensor<8x256xf32>
      %layers.1.moe.constant_18 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.moe.dynamic_slice_2 = stablehlo.dynamic_slice %layers.1.moe.gate_up.weight, %layers.1.moe.constant_18, %layers.1.moe.reshape, %layers.1.moe.constant_18, %layers.1.moe.constant_18, %layers.1.moe.constant_18, sizes = [8, 1, 13, 32, 256] : (tensor<8x9x13x32x256xf4E2M1FN>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x1x13x32x256xf4E2M1FN>
      %layers.1.moe.reshape_6 = stablehlo.reshape %layers.1.moe.dynamic_slice_2 : (tensor<8x1x13x32x256xf4E2M1FN>) -> tensor<8x13x32x256xf4E2M1FN>
      %layers.1.moe.custom_call = stablehlo.custom_call @LayoutConstraint(%layers.1.moe.reshape_6) {operand_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>]} : (tensor<8x13x32x256xf4E2M1FN>) -> tensor<8x13x32x256xf4E2M1FN>
      %layers.1.moe.constant_19 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.moe.constant_20 = stablehlo.constant dense<13> : tensor<i32>
      %layers.1.moe.multiply = stablehlo.multiply %layers.1.moe.reshape, %layers.1.moe.constant_20 : tensor<i32>
      %layers.1.moe.dynamic_slice_3 = stablehlo.dynamic_slice %layers.1.moe.gate_up.scales, %layers.1.moe.constant_19, %layers.1.moe.multiply, %layers.1.moe.constant_19, sizes = [8, 13, 256] : (tensor<8x117x256xbf16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x13x256xbf16>
      %layers.1.moe.convert_8 = stablehlo.convert %layers.1.moe.dynamic_slice_3 : (tensor<8x13x256xbf16>) -> tensor<8x13x256xf32>
      %layers.1.moe.convert_9 = stablehlo.convert %layers.1.moe.custom_call : (tensor<8x13x32x256xf4E2M1FN>) -> tensor<8x13x32x256xf32>
      %layers.1.moe.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %layers.1.moe.convert_8, dims = [0, 1, 3] : (tensor<8x13x256xf32>) -> tensor<8x13x32x256xf32>
      %layers.1.moe.multiply_2 = stablehlo.multiply %layers.1.moe.convert_9, %layers.1.moe.broadcast_in_dim_6 : tensor<8x13x32x256xf32>
      %layers.1.moe.unpacked = stablehlo.convert %layers.1.moe.multiply_2 : (tensor<8x13x32x256xf32>) -> tensor<8x13x32x256xbf16>
      %layers.1.moe.reshape_7 = stablehlo.reshape %layers.1.moe.convert_7 : (tensor<1x416xbf16>) -> tensor<1x13x32xbf16>
      %layers.1.moe.dot_general_2 = stablehlo.dot_general %layers.1.moe.reshape_7, %layers.1.moe.unpacked, contracting_dims = [1, 2] x [1, 2] : (tensor<1x13x32xbf16>, tensor<8x13x32x256xbf16>) -> tensor<1x8x256xf32>
      %layers.1.moe.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %layers.1.moe.reshape_5, dims = [1, 2] : (tensor<8x256xf32>) -> tensor<1x8x256xf32>
      %layers.1.moe.add_3 = stablehlo.add %layers.1.moe.dot_general_2, %layers.1.moe.broadcast_in_dim_7 : tensor<1x8x256xf32>
      %layers.1.moe.slice_3 = stablehlo.slice %layers.1.moe.add_3 [0:1, 0:8, 0:128] : (tensor<1x8x256xf32>) -> tensor<1x8x128xf32>
      %layers.1.moe.slice_4 = stablehlo.slice %layers.1.moe.add_3 [0:1, 0:8, 128:256] : (tensor<1x8x256xf32>) -> tensor<1x8x128xf32>
      %layers.1.moe.constant_21 = stablehlo.constant dense<7.0> : tensor<1x8x128xf32>
      %layers.1.moe.minimum = stablehlo.minimum %layers.1.moe.slice_3, %layers.1.moe.constant_21 : tensor<1x8x128xf32>
      %layers.1.moe.constant_22 = stablehlo.constant dense<7.0> : tensor<1x8x128xf32>
      %layers.1.moe.minimum_2 = stablehlo.minimum %layers.1.moe.slice_4, %layers.1.moe.constant_22 : tensor<1x8x128xf32>
      %layers.1.moe.constant_23 = stablehlo.constant dense<-7.0> : tensor<1x8x128xf32>
      %layers.1.moe.maximum = stablehlo.maximum %layers.1.moe.minimum_2, %layers.1.moe.constant_23 : tensor<1x8x128xf32>
      %layers.1.moe.constant_24 = stablehlo.constant dense<1.702> : tensor<1x8x128xf32>
      %layers.1.moe.multiply_3 = stablehlo.multiply %layers.1.moe.minimum, %layers.1.moe.constant_24 : tensor<1x8x128xf32>
      %layers.1.moe.logistic = stablehlo.logistic %layers.1.moe.multiply_3 : tensor<1x8x128xf32>
      %layers.1.moe.multiply_4 = stablehlo.multiply %layers.1.moe.minimum, %layers.1.moe.logistic : tensor<1x8x128xf32>
      %layers.1.moe.constant_25 = stablehlo.constant dense<1.0> : tensor<1x8x128xf32>
      %layers.1.moe.add_4 = stablehlo.add %layers.1.moe.maximum, %layers.1.moe.constant_25 : tensor<1x8x128xf32>
      %layers.1.moe.multiply_5 = stablehlo.multiply %layers.1.moe.multiply_4, %layers.1.moe.add_4 : tensor<1x8x128xf32>
      %layers.1.moe.convert_11 = stablehlo.convert %layers.1.moe.multiply_5 : (tensor<1x8x128xf32>) -> tensor<1x8x128xbf16>
      %layers.1.moe.constant_26 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.moe.dynamic_slice_4 = stablehlo.dynamic_slice %layers.1.moe.down.weight, %layers.1.moe.constant_26, %layers.1.moe.reshape, %layers.1.moe.constant_26, %layers.1.moe.constant_26, %layers.1.moe.constant_26, sizes = [8, 1, 4, 32, 512] : (tensor<8x9x4x32x512xf4E2M1FN>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x1x4x32x512xf4E2M1FN>
      %layers.1.moe.reshape_8 = stablehlo.reshape %layers.1.moe.dynamic_slice_4 : (tensor<8x1x4x32x512xf4E2M1FN>) -> tensor<8x4x32x512xf4E2M1FN>
      %layers.1.moe.custom_call_2 = stablehlo.custom_call @LayoutConstraint(%layers.1.moe.reshape_8) {operand_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>]} : (tensor<8x4x32x512xf4E2M1FN>) -> tensor<8x4x32x512xf4E2M1FN>
      %layers.1.moe.constant_27 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.moe.constant_28 = stablehlo.constant dense<4> : tensor<i32>
      %layers.1.moe.multiply_6 = stablehlo.multiply %layers.1.moe.reshape, %layers.1.moe.constant_28 : tensor<i32>
      %layers.1.moe.dynamic_slice_5 = stablehlo.dynamic_slice %layers.1.moe.down.scales, %layers.1.moe.constant_27, %layers.1.moe.multiply_6, %layers.1.moe.constant_27, sizes = [8, 4, 512] : (tensor<8x36x512xbf16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x4x512xbf16>
      %layers.1.moe.convert_12 = stablehlo.convert %layers.1.moe.dynamic_slice_5 : (tensor<8x4x512xbf16>) -> tensor<8x4x512xf32>
      %layers.1.moe.convert_13 = stablehlo.convert %layers.1.moe.custom_call_2 : (tensor<8x4x32x512xf4E2M1FN>) -> tensor<8x4x32x512xf32>
      %layers.1.moe.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %layers.1.moe.convert_12, dims = [0, 1, 3] : (tensor<8x4x512xf32>) -> tensor<8x4x32x512xf32>
      %layers.1.moe.multiply_7 = stablehlo.multiply %layers.1.moe.convert_13, %layers.1.moe.broadcast_in_dim_8 : tensor<8x4x32x512xf32>
      %layers.1.moe.unpacked_2 = stablehlo.convert %layers.1.moe.multiply_7 : (tensor<8x4x32x512xf32>) -> tensor<8x4x32x512xbf16>
      %layers.1.moe.reshape_9 = stablehlo.reshape %layers.1.moe.convert_11 : (tensor<1x8x128xbf16>) -> tensor<1x8x4x32xbf16>
      %layers.1.moe.dot_general_3 = stablehlo.dot_general %layers.1.moe.reshape_9, %layers.1.moe.unpacked_2, batching_dims = [1] x [0], contracting_dims = [2, 3] x [1, 2] : (tensor<1x8x4x32xbf16>, tensor<8x4x32x512xbf16>) -> tensor<8x1x512xf32>
      %layers.1.moe.transpose = stablehlo.transpose %layers.1.moe.dot_general_3, dims = [1, 0, 2] : (tensor<8x1x512xf32>) -> tensor<1x8x512xf32>
      %layers.1.moe.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %layers.1.moe.reshape_2, dims = [] : (tensor<f32>) -> tensor<1x8x512xf32>
      %layers.1.moe.multiply_8 = stablehlo.multiply %layers.1.moe.transpose, %layers.1.moe.broadcast_in_dim_9 : tensor<1x8x512xf32>
      %layers.1.moe.constant_29 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.moe.dynamic_slice_6 = stablehlo.dynamic_slice %layers.1.moe.gate_up.bias, %layers.1.moe.constant_29, %layers.1.moe.reshape_3, %layers.1.moe.constant_29, sizes = [8, 1, 256] : (tensor<8x9x256xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x1x256xf32>
      %layers.1.moe.reshape_10 = stablehlo.reshape %layers.1.moe.dynamic_slice_6 : (tensor<8x1x256xf32>) -> tensor<8x256xf32>
      %layers.1.moe.constant_30 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.moe.dynamic_slice_7 = stablehlo.dynamic_slice %layers.1.moe.gate_up.weight, %layers.1.moe.constant_30, %layers.1.moe.reshape_3, %layers.1.moe.constant_30, %layers.1.moe.constant_30, %layers.1.moe.constant_30, sizes = [8, 1, 13, 32, 256] : (tensor<8x9x13x32x256xf4E2M1FN>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x1x13x32x256xf4E2M1FN>
      %layers.1.moe.reshape_11 = stablehlo.reshape %layers.1.moe.dynamic_slice_7 : (tensor<8x1x13x32x256xf4E2M1FN>) -> tensor<8x13x32x256xf4E2M1FN>
      %layers.1.moe.custom_call_3 = stablehlo.custom_call @LayoutConstraint(%layers.1.moe.reshape_11) {operand_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>]} : (tensor<8x13x32x256xf4E2M1FN>) -> tensor<8x13x32x256xf4E2M1FN>
      %layers.1.moe.constant_31 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.moe.constant_32 = stablehlo.constant dense<13> : tensor<i32>
      %layers.1.moe.multiply_9 = stablehlo.multiply %layers.1.moe.reshape_3, %layers.1.moe.constant_32 : tensor<i32>
      %layers.1.moe.dynamic_slice_8 = stablehlo.dynamic_slice %layers.1.moe.gate_up.scales, %layers.1.moe.constant_31, %layers.1.moe.multiply_9, %layers.1.moe.constant_31, sizes = [8, 13, 256] : (tensor<8x117x256xbf16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x13x256xbf16>
      %layers.1.moe.convert_15 = stablehlo.convert %layers.1.moe.dynamic_slice_8 : (tensor<8x13x256xbf16>) -> tensor<8x13x256xf32>
      %layers.1.moe.convert_16 = stablehlo.convert %layers.1.moe.custom_call_3 : (tensor<8x13x32x256xf4E2M1FN>) -> tensor<8x13x32x256xf32>
      %layers.1.moe.broadcast_in_dim_10 = stablehlo.broadcast_in_dim %layers.1.moe.convert_15, dims = [0, 1, 3] : (tensor<8x13x256xf32>) -> tensor<8x13x32x256xf32>
      %layers.1.moe.multiply_10 = stablehlo.multiply %layers.1.moe.convert_16, %layers.1.moe.broadcast_in_dim_10 : tensor<8x13x32x256xf32>
      %layers.1.moe.unpacked_3 = stablehlo.convert %layers.1.moe.multiply_10 : (tensor<8x13x32x256xf32>) -> tensor<8x13x32x256xbf16>
      %layers.1.moe.reshape_12 = stablehlo.reshape %layers.1.moe.convert_7 : (tensor<1x416xbf16>) -> tensor<1x13x32xbf16>
      %layers.1.moe.dot_general_4 = stablehlo.dot_general %layers.1.moe.reshape_12, %layers.1.moe.unpacked_3, contracting_dims = [1, 2] x [1, 2] : (tensor<1x13x32xbf16>, tensor<8x13x32x256xbf16>) -> tensor<1x8x256xf32>
      %layers.1.moe.broadcast_in_dim_11 = stablehlo.broadcast_in_dim %layers.1.moe.reshape_10, dims = [1, 2] : (tensor<8x256xf32>) -> tensor<1x8x256xf32>
      %layers.1.moe.add_5 = stablehlo.add %layers.1.moe.dot_general_4, %layers.1.moe.broadcast_in_dim_11 : tensor<1x8x256xf32>
      %layers.1.moe.slice_5 = stablehlo.slice %layers.1.moe.add_5 [0:1, 0:8, 0:128] : (tensor<1x8x256xf32>) -> tensor<1x8x128xf32>
      %layers.1.moe.slice_6 = stablehlo.slice %layers.1.moe.add_5 [0:1, 0:8, 128:256] : (tensor<1x8x256xf32>) -> tensor<1x8x128xf32>
      %layers.1.moe.constant_33 = stablehlo.constant dense<7.0> : tensor<1x8x128xf32>
      %layers.1.moe.minimum_3 = stablehlo.minimum %layers.1.moe.slice_5, %layers.1.moe.constant_33 : tensor<1x8x128xf32>
      %layers.1.moe.constant_34 = stablehlo.constant dense<7.0> : tensor<1x8x128xf32>
      %layers.1.moe.minimum_4 = stablehlo.minimum %layers.1.moe.slice_6, %layers.1.moe.constant_34 : tensor<1x8x128xf32>
      %layers.1.moe.constant_35 = stablehlo.constant dense<-7.0> : tensor<1x8x128xf32>
      %layers.1.moe.maximum_2 = stablehlo.maximum %layers.1.moe.minimum_4, %layers.1.moe.constant_35 : tensor<1x8x128xf32>
      %layers.1.moe.constant_36 = stablehlo.constant dense<1.702> : tensor<1x8x128xf32>
      %layers.1.moe.multiply_11 = stablehlo.multiply %layers.1.moe.minimum_3, %layers.1.moe.constant_36 : tensor<1x8x128xf32>
      %layers.1.moe.logistic_2 = stablehlo.logistic %layers.1.moe.multiply_11 : tensor<1x8x128xf32>
      %layers.1.moe.multiply_12 = stablehlo.multiply %layers.1.moe.minimum_3, %layers.1.moe.logistic_2 : tensor<1x8x128xf32>
      %layers.1.moe.constant_37 = stablehlo.constant dense<1.0> : tensor<1x8x128xf32>
      %layers.1.moe.add_6 = stablehlo.add %layers.1.moe.maximum_2, %layers.1.moe.constant_37 : tensor<1x8x128xf32>
      %layers.1.moe.multiply_13 = stablehlo.multiply %layers.1.moe.multiply_12, %layers.1.moe.add_6 : tensor<1x8x128xf32>
      %layers.1.moe.convert_18 = stablehlo.convert %layers.1.moe.multiply_13 : (tensor<1x8x128xf32>) -> tensor<1x8x128xbf16>
      %layers.1.moe.constant_38 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.moe.dynamic_slice_9 = stablehlo.dynamic_slice %layers.1.moe.down.weight, %layers.1.moe.constant_38, %layers.1.moe.reshape_3, %layers.1.moe.constant_38, %layers.1.moe.constant_38, %layers.1.moe.constant_38, sizes = [8, 1, 4, 32, 512] : (tensor<8x9x4x32x512xf4E2M1FN>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x1x4x32x512xf4E2M1FN>
      %layers.1.moe.reshape_13 = stablehlo.reshape %layers.1.moe.dynamic_slice_9 : (tensor<8x1x4x32x512xf4E2M1FN>) -> tensor<8x4x32x512xf4E2M1FN>
      %layers.1.moe.custom_call_4 = stablehlo.custom_call @LayoutConstraint(%layers.1.moe.reshape_13) {operand_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>]} : (tensor<8x4x32x512xf4E2M1FN>) -> tensor<8x4x32x512xf4E2M1FN>
      %layers.1.moe.constant_39 = stablehlo.constant dense<0> : tensor<i32>
      %layers.1.moe.constant_40 = stablehlo.constant dense<4> : tensor<i32>
      %layers.1.moe.multiply_14 = stablehlo.multiply %layers.1.moe.reshape_3, %layers.1.moe.constant_40 : tensor<i32>
      %layers.1.moe.dynamic_slice_10 = stablehlo.dynamic_slice %layers.1.moe.down.scales, %layers.1.moe.constant_39, %layers.1.moe.multiply_14, %layers.1.moe.constant_39, sizes = [8, 4, 512] : (tensor<8x36x512xbf16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<8x4x512xbf16>
      %layers.1.moe.convert_19 = stablehlo.convert %layers.1.moe.dynamic_slice_10 : (tensor<8x4x512xbf16>) -> tensor<8x4x512xf32>
      %layers.1.moe.convert_20 = stablehlo.convert %layers.1.moe.custom_call_4 : (tensor<8x4x32x512xf4E2M1FN>) -> tensor<8x4x32x512xf32>
      %layers.1.moe.broadcast_in_dim_12 = stablehlo.broadcast_in_dim %layers.1.moe.convert_19, dims = [0, 1, 3] : (tensor<8x4x512xf32>) -> tensor<8x4x32x512xf32>
      %layers.1.moe.multiply_15 = stablehlo.multiply %layers.1.moe.convert_20, %layers.1.moe.broadcast_in_dim_12 : tensor<8x4x32x512xf32>
      %layers.1.moe.unpacked_4 = stablehlo.convert %layers.1.moe.multiply_15 : (tensor<8x4x32x512xf32>) -> tensor<8x4x32x512xbf16>
      %layers.1.moe.reshape_14 = stablehlo.reshape %layers.1.moe.convert_18 : (tensor<1x8x128xbf16>) -> tensor<1x8x4x32xbf16>
      %layers.1.moe.dot_general_5 = stablehlo.dot_general %layers.1.moe.reshape_14, %layers.1.moe.unpacked_4, batching_dims = [1] x [0], contracting_dims = [2, 3] x [1, 2] : (tensor<1x8x4x32xbf16>, tensor<8x4x32x512xbf16>) -> tensor<8x1x512xf32>
      %layers.1.moe.transpose_2 = stablehlo.transpose %layers.1.moe.dot_general_5, dims = [1, 0, 2] : (tensor<8x1x512xf32>) -> tensor<1x8x512xf32>
      %layers.1.moe.broadcast_in_dim_13 = stablehlo.broadcast_in_dim %layers.1.moe.reshape_4, dims = [] : (tensor<f32>) -> tensor<1x8x512xf32>
      %layers.1.moe.multiply_16 = stablehlo.multiply %layers.1.moe.transpose_2, %layers.1.moe.broadcast_in_dim_13 : tensor<1x8x512xf32>
      %layers.1.moe.add_7 = stablehlo.add %layers.1.moe.multiply_8, %layers.1.moe.multiply_16 : tensor<1x8x512xf32>
      %layers.1.moe.constant_41 = stablehlo.constant dense<0.0> : tensor<f32>
      %layers.1.moe.reduce_6 = stablehlo.reduce(%layers.1.moe.add_7 init: %layers.1.moe.constant_41) applies stablehlo.add across dimensions = [1] : (tensor<1x8x512xf32>, tensor<f32>) -> tensor<1x512xf32>
      %layers.1.moe.sharding_constraint = sdy.sharding_constraint %layers.1.moe.reduce_6 <@devices, [{}, {}]> : tensor<1x512xf32>
      %layers.1.moe.slice_7 = stablehlo.slice %layers.1.moe.sharding_constraint [0:1, 0:416] : (tensor<1x512xf32>) -> tensor<1x416xf32>
      %layers.1.moe.reshape_15 = stablehlo.reshape %layers.1.moe.slice_7 : (tensor<1x416xf32>) -> tensor<416xf32>
      %layers.1.moe.broadcast_in_dim_14 = stablehlo.broadcast_in_dim %layers.1.moe.reshape_15, dims = [1] : (tensor<416xf32>) -> tensor<8x416xf32>
      %layers.1.moe.dynamic_slice_11 = stablehlo.dynamic_slice %layers.1.moe.down.bias, %layers.1.moe.reshape, %layers.1.moe.constant_16, sizes = [1, 416] : (tensor<9x416xf32>, tensor<i32>, tensor<i32>) -> tensor<1x416xf32>
      %layers.1.moe.reshape_16 = stablehlo.reshape %layers.1.moe.dynamic_slice_11 : (tensor<1x416xf32>) -> tensor<416xf32>
      %layers.1.moe.broadcast_in_dim_15 = stablehlo.broadcast_in_dim %layers.1.moe.reshape_16, dims = [1] : (tensor<416xf32>) -> tensor<8x416xf32>
      %layers.1.moe.broadcast_in_dim_16 = stablehlo.broadcast_in_dim %layers.1.moe.reshape_2, dims = [] : (tensor<f32>) -> tensor<8x416xf32>
      %layers.1.moe.multiply_17 = stablehlo.multiply %layers.1.moe.broadcast_in_dim_15, %layers.1.moe.broadcast_in_dim_16 : tensor<8x416xf32>
      %layers.1.moe.add_8 = stablehlo.add %layers.1.moe.broadcast_in_dim_14, %layers.1.moe.multiply_17 : tensor<8x416xf32>
      %layers.1.moe.dynamic_slice_12 = stablehlo.dynamic_slice %layers.1.moe.down.bias, %layers.1.moe.reshape_3, %layers.1.moe.constant_16, sizes = [1, 416] : (tensor<9x416xf32>, tensor<i32>, tensor<i32>) -> tensor<1x416xf32>
      %layers.1.moe.reshape_17 = stablehlo.reshape %layers.1.moe.dynamic_slice_12 : (tensor<1x416xf32>) -> tensor<416xf32>
      %layers.1.moe.broadcast_in_dim_17 = stablehlo.broadcast_in_dim %layers.1.moe.reshape_17, dims = [1] : (tensor<416xf32>) -> tensor<8x416xf32>
      %layers.1.moe.broadcast_in_dim_18 = stablehlo.broadcast_in_dim %layers.1.moe.reshape_4, dims = [] : (tensor<f32>) -> tensor<8x416xf32>
      %layers.1.moe.multiply_18 = stablehlo.multiply %layers.1.moe.broadcast_in_dim_17, %layers.1.moe.broadcast_in_dim_18 : tensor<8x416xf32>
      %layers.1.moe.add_9 = stablehlo.add %layers.1.moe.add_8, %layers.1.moe.multiply_18 : tensor<8x416xf32>
      %layers.1.add_2 = stablehlo.add %layers.1.add, %layers.1.moe.add_9 : tensor<8x416xf32>
      %head.norm.multiply = stablehlo.multiply %layers.1.add_2, %layers.1.add_2 : tensor<8x416xf32>
      %head.norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
      %head.norm.reduce = stablehlo.reduce(%head.norm.multiply init: %head.norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<8x416xf32>, tensor<f32>) -> tensor<8xf32>
      %head.norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<8xf32>
      %head.norm.divide = stablehlo.divide %head.norm.reduce, %head.norm.constant_2 : tensor<8xf32>
      %head.norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<8xf32>
      %head.norm.add = stablehlo.add %head.norm.divide, %head.norm.constant_3 : tensor<8xf32>
      %head.norm.rsqrt = stablehlo.rsqrt %head.norm.add : tensor<8xf32>
      %head.norm.broadcast_in_dim = stablehlo.broadcast_in_dim %head.norm.rsqrt, dims = [0] : (tensor<8xf32>) -> tensor<8x416xf32>
      %head.norm.multiply_2 = stablehlo.multiply %layers.1.add_2, %head.norm.broadcast_in_dim : tensor<8x416xf32>
      %head.norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %norm, dims = [1] : (tensor<416xf32>) -> tensor<8x416xf32>
      %head.norm.multiply_3 = stablehlo.multiply %head.norm.multiply_2, %head.norm.broadcast_in_dim_2 : tensor<8x416xf32>
      %head.convert = stablehlo.convert %head.norm.multiply_3 : (tensor<8x416xf32>) -> tensor<8x416xbf16>
      %head.dot_general = stablehlo.dot_general %head.convert, %unembedding.weight, contracting_dims = [1] x [1] : (tensor<8x416xbf16>, tensor<1336x416xbf16>) -> tensor<8x1336xf32>
      %head.optimization_barrier = stablehlo.optimization_barrier %head.dot_general : tensor<8x1336xf32>
      %head.logits = stablehlo.slice %head.optimization_barrier [0:1, 0:1336] : (tensor<8x1336xf32>) -> tensor<1x1336xf32>
      %head.sharding_constraint = sdy.sharding_constraint %head.logits <@devices, [{}, {"heads", "rest"}]> : tensor<1x1336xf32>
      %constant_7 = stablehlo.constant dense<1> : tensor<1xi32>
      %add = stablehlo.add %arg_13, %constant_7 : tensor<1xi32>
      %sample.sharding_constraint = sdy.sharding_constraint %head.sharding_constraint <@devices, [{}, {}]> : tensor<1x1336xf32>
      %sample.constant = stablehlo.constant dense<0xFF800000> : tensor<1x200xf32>
      %sample.concatenate = stablehlo.concatenate %sample.sharding_constraint, %sample.constant, dim = 1 : (tensor<1x1336xf32>, tensor<1x200xf32>) -> tensor<1x1536xf32>
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
        %sample.convert_2 = stablehlo.convert %add : (tensor<1xi32>) -> tensor<1xui64>
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
      %constant_8 = stablehlo.constant dense<0> : tensor<i32>
      %constant_9 = stablehlo.constant dense<-1> : tensor<1xi32>
      %select = stablehlo.select %arg_14, %constant_9, %sample.tokens : tensor<1xi1>, tensor<1xi32>
      %reshape = stablehlo.reshape %select : (tensor<1xi32>) -> tensor<1x1xi32>
      %dynamic_update_slice = stablehlo.dynamic_update_slice %arg_15, %reshape, %constant_8, %arg_11 : (tensor<1x16xi32>, tensor<1x1xi32>, tensor<i32>, tensor<i32>) -> tensor<1x16xi32>
      %reshape_2 = stablehlo.reshape %sample.logprobs : (tensor<1xf32>) -> tensor<1x1xf32>
      %dynamic_update_slice_2 = stablehlo.dynamic_update_slice %arg_16, %reshape_2, %constant_8, %arg_11 : (tensor<1x16xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<1x16xf32>
      %broadcast_in_dim = stablehlo.broadcast_in_dim %sample.tokens, dims = [0] : (tensor<1xi32>) -> tensor<1x8xi32>
      %broadcast_in_dim_2 = stablehlo.broadcast_in_dim %stop, dims = [1] : (tensor<8xi32>) -> tensor<1x8xi32>
      %compare_2 = stablehlo.compare EQ, %broadcast_in_dim, %broadcast_in_dim_2, SIGNED : (tensor<1x8xi32>, tensor<1x8xi32>) -> tensor<1x8xi1>
      %constant_10 = stablehlo.constant dense<false> : tensor<i1>
      %reduce_2 = stablehlo.reduce(%compare_2 init: %constant_10) applies stablehlo.or across dimensions = [1] : (tensor<1x8xi1>, tensor<i1>) -> tensor<1xi1>
      %or = stablehlo.or %arg_14, %reduce_2 : tensor<1xi1>
      %constant_11 = stablehlo.constant dense<1> : tensor<i32>
      %add_2 = stablehlo.add %arg_11, %constant_11 : tensor<i32>
      %constant_12 = stablehlo.constant dense<1> : tensor<1xi32>
      %add_3 = stablehlo.add %arg_13, %constant_12 : tensor<1xi32>
      stablehlo.return %add_2, %sample.tokens, %add_3, %or, %dynamic_update_slice, %dynamic_update_slice_2, %layers.0.attention.dynamic_update_slice, %layers.0.attention.dynamic_update_slice_2, %layers.1.attention.custom_call, %layers.1.attention.custom_call_2 : tensor<i32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi1>, tensor<1x16xi32>, tensor<1x16xf32>, tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>, tensor<1x12x1024x28xbf16>, tensor<1x12x1024x28xbf16>
    }) {mhlo.frontend_attributes = {precast_trips = "16"}} : (tensor<i32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi1>, tensor<1x16xi32>, tensor<1x16xf32>, tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>, tensor<1x12x1024x28xbf16>, tensor<1x12x1024x28xbf16>) -> (tensor<i32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi1>, tensor<1x16xi32>, tensor<1x16xf32>, tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>, tensor<1x12x1024x28xbf16>, tensor<1x12x1024x28xbf16>)
    return %while#6, %while#7, %while#8, %while#9, %while#4, %while#5 : tensor<1x12x40x28xbf16>, tensor<1x12x40x28xbf16>, tensor<1x12x1024x28xbf16>, tensor<1x12x1024x28xbf16>, tensor<1x16xi32>, tensor<1x16xf32>
  }
}
