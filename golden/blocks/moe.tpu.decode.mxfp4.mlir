module @moe {
  func.func public @main(
      %layers.0.moe.norm: tensor<416xf32>,
      %layers.0.moe.router.weight: tensor<9x416xbf16>,
      %layers.0.moe.router.bias: tensor<9xf32>,
      %layers.0.moe.gate_up.weight: tensor<1x9x13x32x1216xf4E2M1FN> {mhlo.layout_mode = "{4,3,2,1,0}"},
      %layers.0.moe.gate_up.scales: tensor<1x117x1216xbf16>,
      %layers.0.moe.gate_up.bias: tensor<1x9x1216xf32>,
      %layers.0.moe.down.weight: tensor<1x9x19x32x512xf4E2M1FN> {mhlo.layout_mode = "{4,3,2,1,0}"},
      %layers.0.moe.down.scales: tensor<1x171x512xbf16>,
      %layers.0.moe.down.bias: tensor<9x416xf32>,
      %x: tensor<1x416xf32>,
      %positions: tensor<1xi32>) -> (tensor<1x416xf32>) {
    %moe.norm.multiply = stablehlo.multiply %x, %x : tensor<1x416xf32>
    %moe.norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.norm.reduce = stablehlo.reduce(%moe.norm.multiply init: %moe.norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<1x416xf32>, tensor<f32>) -> tensor<1xf32>
    %moe.norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<1xf32>
    %moe.norm.divide = stablehlo.divide %moe.norm.reduce, %moe.norm.constant_2 : tensor<1xf32>
    %moe.norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<1xf32>
    %moe.norm.add = stablehlo.add %moe.norm.divide, %moe.norm.constant_3 : tensor<1xf32>
    %moe.norm.rsqrt = stablehlo.rsqrt %moe.norm.add : tensor<1xf32>
    %moe.norm.broadcast_in_dim = stablehlo.broadcast_in_dim %moe.norm.rsqrt, dims = [0] : (tensor<1xf32>) -> tensor<1x416xf32>
    %moe.norm.multiply_2 = stablehlo.multiply %x, %moe.norm.broadcast_in_dim : tensor<1x416xf32>
    %moe.norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.0.moe.norm, dims = [1] : (tensor<416xf32>) -> tensor<1x416xf32>
    %moe.norm.multiply_3 = stablehlo.multiply %moe.norm.multiply_2, %moe.norm.broadcast_in_dim_2 : tensor<1x416xf32>
    %moe.convert = stablehlo.convert %moe.norm.multiply_3 : (tensor<1x416xf32>) -> tensor<1x416xbf16>
    %moe.constant = stablehlo.constant dense<0.0> : tensor<7x416xbf16>
    %moe.concatenate = stablehlo.concatenate %moe.convert, %moe.constant, dim = 0 : (tensor<1x416xbf16>, tensor<7x416xbf16>) -> tensor<8x416xbf16>
    %moe.dot_general = stablehlo.dot_general %moe.concatenate, %layers.0.moe.router.weight, contracting_dims = [1] x [1] : (tensor<8x416xbf16>, tensor<9x416xbf16>) -> tensor<8x9xf32>
    %moe.optimization_barrier = stablehlo.optimization_barrier %moe.dot_general : tensor<8x9xf32>
    %moe.slice = stablehlo.slice %moe.optimization_barrier [0:1, 0:9] : (tensor<8x9xf32>) -> tensor<1x9xf32>
    %moe.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.0.moe.router.bias, dims = [1] : (tensor<9xf32>) -> tensor<1x9xf32>
    %moe.router = stablehlo.add %moe.slice, %moe.broadcast_in_dim : tensor<1x9xf32>
    %moe.iota = stablehlo.iota dim = 1 : tensor<1x9xi32>
    %moe.convert_2 = stablehlo.convert %moe.iota : (tensor<1x9xi32>) -> tensor<1x9xf32>
    %moe.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %moe.router, dims = [0, 1] : (tensor<1x9xf32>) -> tensor<1x9x9xf32>
    %moe.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %moe.router, dims = [0, 2] : (tensor<1x9xf32>) -> tensor<1x9x9xf32>
    %moe.compare = stablehlo.compare GT, %moe.broadcast_in_dim_3, %moe.broadcast_in_dim_2, FLOAT : (tensor<1x9x9xf32>, tensor<1x9x9xf32>) -> tensor<1x9x9xi1>
    %moe.compare_2 = stablehlo.compare EQ, %moe.broadcast_in_dim_3, %moe.broadcast_in_dim_2, FLOAT : (tensor<1x9x9xf32>, tensor<1x9x9xf32>) -> tensor<1x9x9xi1>
    %moe.iota_2 = stablehlo.iota dim = 2 : tensor<1x9x9xi32>
    %moe.iota_3 = stablehlo.iota dim = 1 : tensor<1x9x9xi32>
    %moe.compare_3 = stablehlo.compare LT, %moe.iota_2, %moe.iota_3, SIGNED : (tensor<1x9x9xi32>, tensor<1x9x9xi32>) -> tensor<1x9x9xi1>
    %moe.and = stablehlo.and %moe.compare_2, %moe.compare_3 : tensor<1x9x9xi1>
    %moe.or = stablehlo.or %moe.compare, %moe.and : tensor<1x9x9xi1>
    %moe.convert_3 = stablehlo.convert %moe.or : (tensor<1x9x9xi1>) -> tensor<1x9x9xi32>
    %moe.constant_2 = stablehlo.constant dense<0> : tensor<i32>
    %moe.rank = stablehlo.reduce(%moe.convert_3 init: %moe.constant_2) applies stablehlo.add across dimensions = [2] : (tensor<1x9x9xi32>, tensor<i32>) -> tensor<1x9xi32>
    %moe.constant_3 = stablehlo.constant dense<0> : tensor<1x9xi32>
    %moe.compare_4 = stablehlo.compare EQ, %moe.rank, %moe.constant_3, SIGNED : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
    %moe.constant_4 = stablehlo.constant dense<0.0> : tensor<1x9xf32>
    %moe.select = stablehlo.select %moe.compare_4, %moe.convert_2, %moe.constant_4 : tensor<1x9xi1>, tensor<1x9xf32>
    %moe.constant_5 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_2 = stablehlo.reduce(%moe.select init: %moe.constant_5) applies stablehlo.add across dimensions = [1] : (tensor<1x9xf32>, tensor<f32>) -> tensor<1xf32>
    %moe.constant_6 = stablehlo.constant dense<1> : tensor<1x9xi32>
    %moe.compare_5 = stablehlo.compare EQ, %moe.rank, %moe.constant_6, SIGNED : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
    %moe.constant_7 = stablehlo.constant dense<0.0> : tensor<1x9xf32>
    %moe.select_2 = stablehlo.select %moe.compare_5, %moe.convert_2, %moe.constant_7 : tensor<1x9xi1>, tensor<1x9xf32>
    %moe.constant_8 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_3 = stablehlo.reduce(%moe.select_2 init: %moe.constant_8) applies stablehlo.add across dimensions = [1] : (tensor<1x9xf32>, tensor<f32>) -> tensor<1xf32>
    %moe.convert_4 = stablehlo.convert %moe.reduce_2 : (tensor<1xf32>) -> tensor<1xi32>
    %moe.convert_5 = stablehlo.convert %moe.reduce_3 : (tensor<1xf32>) -> tensor<1xi32>
    %moe.constant_9 = stablehlo.constant dense<0> : tensor<1x9xi32>
    %moe.compare_6 = stablehlo.compare EQ, %moe.rank, %moe.constant_9, SIGNED : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
    %moe.constant_10 = stablehlo.constant dense<0.0> : tensor<1x9xf32>
    %moe.select_3 = stablehlo.select %moe.compare_6, %moe.router, %moe.constant_10 : tensor<1x9xi1>, tensor<1x9xf32>
    %moe.constant_11 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_4 = stablehlo.reduce(%moe.select_3 init: %moe.constant_11) applies stablehlo.add across dimensions = [1] : (tensor<1x9xf32>, tensor<f32>) -> tensor<1xf32>
    %moe.constant_12 = stablehlo.constant dense<1> : tensor<1x9xi32>
    %moe.compare_7 = stablehlo.compare EQ, %moe.rank, %moe.constant_12, SIGNED : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
    %moe.constant_13 = stablehlo.constant dense<0.0> : tensor<1x9xf32>
    %moe.select_4 = stablehlo.select %moe.compare_7, %moe.router, %moe.constant_13 : tensor<1x9xi1>, tensor<1x9xf32>
    %moe.constant_14 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_5 = stablehlo.reduce(%moe.select_4 init: %moe.constant_14) applies stablehlo.add across dimensions = [1] : (tensor<1x9xf32>, tensor<f32>) -> tensor<1xf32>
    %moe.subtract = stablehlo.subtract %moe.reduce_4, %moe.reduce_4 : tensor<1xf32>
    %moe.exponential = stablehlo.exponential %moe.subtract : tensor<1xf32>
    %moe.subtract_2 = stablehlo.subtract %moe.reduce_5, %moe.reduce_4 : tensor<1xf32>
    %moe.exponential_2 = stablehlo.exponential %moe.subtract_2 : tensor<1xf32>
    %moe.add_2 = stablehlo.add %moe.exponential, %moe.exponential_2 : tensor<1xf32>
    %moe.divide = stablehlo.divide %moe.exponential, %moe.add_2 : tensor<1xf32>
    %moe.divide_2 = stablehlo.divide %moe.exponential_2, %moe.add_2 : tensor<1xf32>
    %moe.constant_15 = stablehlo.constant dense<2> : tensor<1x9xi32>
    %moe.compare_8 = stablehlo.compare LT, %moe.rank, %moe.constant_15, SIGNED : (tensor<1x9xi32>, tensor<1x9xi32>) -> tensor<1x9xi1>
    %moe.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %moe.reduce_4, dims = [0] : (tensor<1xf32>) -> tensor<1x9xf32>
    %moe.subtract_3 = stablehlo.subtract %moe.router, %moe.broadcast_in_dim_4 : tensor<1x9xf32>
    %moe.exponential_3 = stablehlo.exponential %moe.subtract_3 : tensor<1x9xf32>
    %moe.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %moe.add_2, dims = [0] : (tensor<1xf32>) -> tensor<1x9xf32>
    %moe.divide_3 = stablehlo.divide %moe.exponential_3, %moe.broadcast_in_dim_5 : tensor<1x9xf32>
    %moe.constant_16 = stablehlo.constant dense<0.0> : tensor<1x9xf32>
    %moe.select_5 = stablehlo.select %moe.compare_8, %moe.divide_3, %moe.constant_16 : tensor<1x9xi1>, tensor<1x9xf32>
    %moe.convert_6 = stablehlo.convert %moe.compare_8 : (tensor<1x9xi1>) -> tensor<1x9xf32>
    %moe.constant_17 = stablehlo.constant dense<0.0> : tensor<7x416xf32>
    %moe.concatenate_2 = stablehlo.concatenate %moe.norm.multiply_3, %moe.constant_17, dim = 0 : (tensor<1x416xf32>, tensor<7x416xf32>) -> tensor<8x416xf32>
    %moe.convert_7 = stablehlo.convert %moe.concatenate_2 : (tensor<8x416xf32>) -> tensor<8x416xbf16>
    %moe.constant_18 = stablehlo.constant dense<0> : tensor<i32>
    %moe.reshape = stablehlo.reshape %moe.convert_4 : (tensor<1xi32>) -> tensor<i32>
    %moe.reshape_2 = stablehlo.reshape %moe.divide : (tensor<1xf32>) -> tensor<f32>
    %moe.reshape_3 = stablehlo.reshape %moe.convert_5 : (tensor<1xi32>) -> tensor<i32>
    %moe.reshape_4 = stablehlo.reshape %moe.divide_2 : (tensor<1xf32>) -> tensor<f32>
    %moe.constant_19 = stablehlo.constant dense<0> : tensor<i32>
    %moe.dynamic_slice = stablehlo.dynamic_slice %layers.0.moe.gate_up.bias, %moe.constant_19, %moe.reshape, %moe.constant_19, sizes = [1, 1, 1216] : (tensor<1x9x1216xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x1216xf32>
    %moe.reshape_5 = stablehlo.reshape %moe.dynamic_slice : (tensor<1x1x1216xf32>) -> tensor<1x1216xf32>
    %moe.constant_20 = stablehlo.constant dense<0> : tensor<i32>
    %moe.dynamic_slice_2 = stablehlo.dynamic_slice %layers.0.moe.gate_up.weight, %moe.constant_20, %moe.reshape, %moe.constant_20, %moe.constant_20, %moe.constant_20, sizes = [1, 1, 13, 32, 1216] : (tensor<1x9x13x32x1216xf4E2M1FN>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x13x32x1216xf4E2M1FN>
    %moe.reshape_6 = stablehlo.reshape %moe.dynamic_slice_2 : (tensor<1x1x13x32x1216xf4E2M1FN>) -> tensor<1x13x32x1216xf4E2M1FN>
    %moe.custom_call = stablehlo.custom_call @LayoutConstraint(%moe.reshape_6) {operand_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>]} : (tensor<1x13x32x1216xf4E2M1FN>) -> tensor<1x13x32x1216xf4E2M1FN>
    %moe.constant_21 = stablehlo.constant dense<0> : tensor<i32>
    %moe.constant_22 = stablehlo.constant dense<13> : tensor<i32>
    %moe.multiply = stablehlo.multiply %moe.reshape, %moe.constant_22 : tensor<i32>
    %moe.dynamic_slice_3 = stablehlo.dynamic_slice %layers.0.moe.gate_up.scales, %moe.constant_21, %moe.multiply, %moe.constant_21, sizes = [1, 13, 1216] : (tensor<1x117x1216xbf16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x13x1216xbf16>
    %moe.convert_8 = stablehlo.convert %moe.dynamic_slice_3 : (tensor<1x13x1216xbf16>) -> tensor<1x13x1216xf32>
    %moe.convert_9 = stablehlo.convert %moe.custom_call : (tensor<1x13x32x1216xf4E2M1FN>) -> tensor<1x13x32x1216xf32>
    %moe.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %moe.convert_8, dims = [0, 1, 3] : (tensor<1x13x1216xf32>) -> tensor<1x13x32x1216xf32>
    %moe.multiply_2 = stablehlo.multiply %moe.convert_9, %moe.broadcast_in_dim_6 : tensor<1x13x32x1216xf32>
    %moe.unpacked = stablehlo.convert %moe.multiply_2 : (tensor<1x13x32x1216xf32>) -> tensor<1x13x32x1216xbf16>
    %moe.reshape_7 = stablehlo.reshape %moe.convert_7 : (tensor<8x416xbf16>) -> tensor<8x13x32xbf16>
    %moe.dot_general_2 = stablehlo.dot_general %moe.reshape_7, %moe.unpacked, contracting_dims = [1, 2] x [1, 2] : (tensor<8x13x32xbf16>, tensor<1x13x32x1216xbf16>) -> tensor<8x1x1216xf32>
    %moe.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %moe.reshape_5, dims = [1, 2] : (tensor<1x1216xf32>) -> tensor<8x1x1216xf32>
    %moe.add_3 = stablehlo.add %moe.dot_general_2, %moe.broadcast_in_dim_7 : tensor<8x1x1216xf32>
    %moe.slice_2 = stablehlo.slice %moe.add_3 [0:8, 0:1, 0:608] : (tensor<8x1x1216xf32>) -> tensor<8x1x608xf32>
    %moe.slice_3 = stablehlo.slice %moe.add_3 [0:8, 0:1, 608:1216] : (tensor<8x1x1216xf32>) -> tensor<8x1x608xf32>
    %moe.constant_23 = stablehlo.constant dense<7.0> : tensor<8x1x608xf32>
    %moe.minimum = stablehlo.minimum %moe.slice_2, %moe.constant_23 : tensor<8x1x608xf32>
    %moe.constant_24 = stablehlo.constant dense<7.0> : tensor<8x1x608xf32>
    %moe.minimum_2 = stablehlo.minimum %moe.slice_3, %moe.constant_24 : tensor<8x1x608xf32>
    %moe.constant_25 = stablehlo.constant dense<-7.0> : tensor<8x1x608xf32>
    %moe.maximum = stablehlo.maximum %moe.minimum_2, %moe.constant_25 : tensor<8x1x608xf32>
    %moe.constant_26 = stablehlo.constant dense<1.702> : tensor<8x1x608xf32>
    %moe.multiply_3 = stablehlo.multiply %moe.minimum, %moe.constant_26 : tensor<8x1x608xf32>
    %moe.logistic = stablehlo.logistic %moe.multiply_3 : tensor<8x1x608xf32>
    %moe.multiply_4 = stablehlo.multiply %moe.minimum, %moe.logistic : tensor<8x1x608xf32>
    %moe.constant_27 = stablehlo.constant dense<1.0> : tensor<8x1x608xf32>
    %moe.add_4 = stablehlo.add %moe.maximum, %moe.constant_27 : tensor<8x1x608xf32>
    %moe.multiply_5 = stablehlo.multiply %moe.multiply_4, %moe.add_4 : tensor<8x1x608xf32>
    %moe.convert_11 = stablehlo.convert %moe.multiply_5 : (tensor<8x1x608xf32>) -> tensor<8x1x608xbf16>
    %moe.constant_28 = stablehlo.constant dense<0> : tensor<i32>
    %moe.dynamic_slice_4 = stablehlo.dynamic_slice %layers.0.moe.down.weight, %moe.constant_28, %moe.reshape, %moe.constant_28, %moe.constant_28, %moe.constant_28, sizes = [1, 1, 19, 32, 512] : (tensor<1x9x19x32x512xf4E2M1FN>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x19x32x512xf4E2M1FN>
    %moe.reshape_8 = stablehlo.reshape %moe.dynamic_slice_4 : (tensor<1x1x19x32x512xf4E2M1FN>) -> tensor<1x19x32x512xf4E2M1FN>
    %moe.custom_call_2 = stablehlo.custom_call @LayoutConstraint(%moe.reshape_8) {operand_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>]} : (tensor<1x19x32x512xf4E2M1FN>) -> tensor<1x19x32x512xf4E2M1FN>
    %moe.constant_29 = stablehlo.constant dense<0> : tensor<i32>
    %moe.constant_30 = stablehlo.constant dense<19> : tensor<i32>
    %moe.multiply_6 = stablehlo.multiply %moe.reshape, %moe.constant_30 : tensor<i32>
    %moe.dynamic_slice_5 = stablehlo.dynamic_slice %layers.0.moe.down.scales, %moe.constant_29, %moe.multiply_6, %moe.constant_29, sizes = [1, 19, 512] : (tensor<1x171x512xbf16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x19x512xbf16>
    %moe.convert_12 = stablehlo.convert %moe.dynamic_slice_5 : (tensor<1x19x512xbf16>) -> tensor<1x19x512xf32>
    %moe.convert_13 = stablehlo.convert %moe.custom_call_2 : (tensor<1x19x32x512xf4E2M1FN>) -> tensor<1x19x32x512xf32>
    %moe.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %moe.convert_12, dims = [0, 1, 3] : (tensor<1x19x512xf32>) -> tensor<1x19x32x512xf32>
    %moe.multiply_7 = stablehlo.multiply %moe.convert_13, %moe.broadcast_in_dim_8 : tensor<1x19x32x512xf32>
    %moe.unpacked_2 = stablehlo.convert %moe.multiply_7 : (tensor<1x19x32x512xf32>) -> tensor<1x19x32x512xbf16>
    %moe.reshape_9 = stablehlo.reshape %moe.convert_11 : (tensor<8x1x608xbf16>) -> tensor<8x1x19x32xbf16>
    %moe.dot_general_3 = stablehlo.dot_general %moe.reshape_9, %moe.unpacked_2, batching_dims = [1] x [0], contracting_dims = [2, 3] x [1, 2] : (tensor<8x1x19x32xbf16>, tensor<1x19x32x512xbf16>) -> tensor<1x8x512xf32>
    %moe.transpose = stablehlo.transpose %moe.dot_general_3, dims = [1, 0, 2] : (tensor<1x8x512xf32>) -> tensor<8x1x512xf32>
    %moe.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %moe.reshape_2, dims = [] : (tensor<f32>) -> tensor<8x1x512xf32>
    %moe.multiply_8 = stablehlo.multiply %moe.transpose, %moe.broadcast_in_dim_9 : tensor<8x1x512xf32>
    %moe.constant_31 = stablehlo.constant dense<0> : tensor<i32>
    %moe.dynamic_slice_6 = stablehlo.dynamic_slice %layers.0.moe.gate_up.bias, %moe.constant_31, %moe.reshape_3, %moe.constant_31, sizes = [1, 1, 1216] : (tensor<1x9x1216xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x1216xf32>
    %moe.reshape_10 = stablehlo.reshape %moe.dynamic_slice_6 : (tensor<1x1x1216xf32>) -> tensor<1x1216xf32>
    %moe.constant_32 = stablehlo.constant dense<0> : tensor<i32>
    %moe.dynamic_slice_7 = stablehlo.dynamic_slice %layers.0.moe.gate_up.weight, %moe.constant_32, %moe.reshape_3, %moe.constant_32, %moe.constant_32, %moe.constant_32, sizes = [1, 1, 13, 32, 1216] : (tensor<1x9x13x32x1216xf4E2M1FN>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x13x32x1216xf4E2M1FN>
    %moe.reshape_11 = stablehlo.reshape %moe.dynamic_slice_7 : (tensor<1x1x13x32x1216xf4E2M1FN>) -> tensor<1x13x32x1216xf4E2M1FN>
    %moe.custom_call_3 = stablehlo.custom_call @LayoutConstraint(%moe.reshape_11) {operand_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>]} : (tensor<1x13x32x1216xf4E2M1FN>) -> tensor<1x13x32x1216xf4E2M1FN>
    %moe.constant_33 = stablehlo.constant dense<0> : tensor<i32>
    %moe.constant_34 = stablehlo.constant dense<13> : tensor<i32>
    %moe.multiply_9 = stablehlo.multiply %moe.reshape_3, %moe.constant_34 : tensor<i32>
    %moe.dynamic_slice_8 = stablehlo.dynamic_slice %layers.0.moe.gate_up.scales, %moe.constant_33, %moe.multiply_9, %moe.constant_33, sizes = [1, 13, 1216] : (tensor<1x117x1216xbf16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x13x1216xbf16>
    %moe.convert_15 = stablehlo.convert %moe.dynamic_slice_8 : (tensor<1x13x1216xbf16>) -> tensor<1x13x1216xf32>
    %moe.convert_16 = stablehlo.convert %moe.custom_call_3 : (tensor<1x13x32x1216xf4E2M1FN>) -> tensor<1x13x32x1216xf32>
    %moe.broadcast_in_dim_10 = stablehlo.broadcast_in_dim %moe.convert_15, dims = [0, 1, 3] : (tensor<1x13x1216xf32>) -> tensor<1x13x32x1216xf32>
    %moe.multiply_10 = stablehlo.multiply %moe.convert_16, %moe.broadcast_in_dim_10 : tensor<1x13x32x1216xf32>
    %moe.unpacked_3 = stablehlo.convert %moe.multiply_10 : (tensor<1x13x32x1216xf32>) -> tensor<1x13x32x1216xbf16>
    %moe.reshape_12 = stablehlo.reshape %moe.convert_7 : (tensor<8x416xbf16>) -> tensor<8x13x32xbf16>
    %moe.dot_general_4 = stablehlo.dot_general %moe.reshape_12, %moe.unpacked_3, contracting_dims = [1, 2] x [1, 2] : (tensor<8x13x32xbf16>, tensor<1x13x32x1216xbf16>) -> tensor<8x1x1216xf32>
    %moe.broadcast_in_dim_11 = stablehlo.broadcast_in_dim %moe.reshape_10, dims = [1, 2] : (tensor<1x1216xf32>) -> tensor<8x1x1216xf32>
    %moe.add_5 = stablehlo.add %moe.dot_general_4, %moe.broadcast_in_dim_11 : tensor<8x1x1216xf32>
    %moe.slice_4 = stablehlo.slice %moe.add_5 [0:8, 0:1, 0:608] : (tensor<8x1x1216xf32>) -> tensor<8x1x608xf32>
    %moe.slice_5 = stablehlo.slice %moe.add_5 [0:8, 0:1, 608:1216] : (tensor<8x1x1216xf32>) -> tensor<8x1x608xf32>
    %moe.constant_35 = stablehlo.constant dense<7.0> : tensor<8x1x608xf32>
    %moe.minimum_3 = stablehlo.minimum %moe.slice_4, %moe.constant_35 : tensor<8x1x608xf32>
    %moe.constant_36 = stablehlo.constant dense<7.0> : tensor<8x1x608xf32>
    %moe.minimum_4 = stablehlo.minimum %moe.slice_5, %moe.constant_36 : tensor<8x1x608xf32>
    %moe.constant_37 = stablehlo.constant dense<-7.0> : tensor<8x1x608xf32>
    %moe.maximum_2 = stablehlo.maximum %moe.minimum_4, %moe.constant_37 : tensor<8x1x608xf32>
    %moe.constant_38 = stablehlo.constant dense<1.702> : tensor<8x1x608xf32>
    %moe.multiply_11 = stablehlo.multiply %moe.minimum_3, %moe.constant_38 : tensor<8x1x608xf32>
    %moe.logistic_2 = stablehlo.logistic %moe.multiply_11 : tensor<8x1x608xf32>
    %moe.multiply_12 = stablehlo.multiply %moe.minimum_3, %moe.logistic_2 : tensor<8x1x608xf32>
    %moe.constant_39 = stablehlo.constant dense<1.0> : tensor<8x1x608xf32>
    %moe.add_6 = stablehlo.add %moe.maximum_2, %moe.constant_39 : tensor<8x1x608xf32>
    %moe.multiply_13 = stablehlo.multiply %moe.multiply_12, %moe.add_6 : tensor<8x1x608xf32>
    %moe.convert_18 = stablehlo.convert %moe.multiply_13 : (tensor<8x1x608xf32>) -> tensor<8x1x608xbf16>
    %moe.constant_40 = stablehlo.constant dense<0> : tensor<i32>
    %moe.dynamic_slice_9 = stablehlo.dynamic_slice %layers.0.moe.down.weight, %moe.constant_40, %moe.reshape_3, %moe.constant_40, %moe.constant_40, %moe.constant_40, sizes = [1, 1, 19, 32, 512] : (tensor<1x9x19x32x512xf4E2M1FN>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x19x32x512xf4E2M1FN>
    %moe.reshape_13 = stablehlo.reshape %moe.dynamic_slice_9 : (tensor<1x1x19x32x512xf4E2M1FN>) -> tensor<1x19x32x512xf4E2M1FN>
    %moe.custom_call_4 = stablehlo.custom_call @LayoutConstraint(%moe.reshape_13) {operand_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>], result_layouts = [dense<[3, 2, 1, 0]> : tensor<4xindex>]} : (tensor<1x19x32x512xf4E2M1FN>) -> tensor<1x19x32x512xf4E2M1FN>
    %moe.constant_41 = stablehlo.constant dense<0> : tensor<i32>
    %moe.constant_42 = stablehlo.constant dense<19> : tensor<i32>
    %moe.multiply_14 = stablehlo.multiply %moe.reshape_3, %moe.constant_42 : tensor<i32>
    %moe.dynamic_slice_10 = stablehlo.dynamic_slice %layers.0.moe.down.scales, %moe.constant_41, %moe.multiply_14, %moe.constant_41, sizes = [1, 19, 512] : (tensor<1x171x512xbf16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x19x512xbf16>
    %moe.convert_19 = stablehlo.convert %moe.dynamic_slice_10 : (tensor<1x19x512xbf16>) -> tensor<1x19x512xf32>
    %moe.convert_20 = stablehlo.convert %moe.custom_call_4 : (tensor<1x19x32x512xf4E2M1FN>) -> tensor<1x19x32x512xf32>
    %moe.broadcast_in_dim_12 = stablehlo.broadcast_in_dim %moe.convert_19, dims = [0, 1, 3] : (tensor<1x19x512xf32>) -> tensor<1x19x32x512xf32>
    %moe.multiply_15 = stablehlo.multiply %moe.convert_20, %moe.broadcast_in_dim_12 : tensor<1x19x32x512xf32>
    %moe.unpacked_4 = stablehlo.convert %moe.multiply_15 : (tensor<1x19x32x512xf32>) -> tensor<1x19x32x512xbf16>
    %moe.reshape_14 = stablehlo.reshape %moe.convert_18 : (tensor<8x1x608xbf16>) -> tensor<8x1x19x32xbf16>
    %moe.dot_general_5 = stablehlo.dot_general %moe.reshape_14, %moe.unpacked_4, batching_dims = [1] x [0], contracting_dims = [2, 3] x [1, 2] : (tensor<8x1x19x32xbf16>, tensor<1x19x32x512xbf16>) -> tensor<1x8x512xf32>
    %moe.transpose_2 = stablehlo.transpose %moe.dot_general_5, dims = [1, 0, 2] : (tensor<1x8x512xf32>) -> tensor<8x1x512xf32>
    %moe.broadcast_in_dim_13 = stablehlo.broadcast_in_dim %moe.reshape_4, dims = [] : (tensor<f32>) -> tensor<8x1x512xf32>
    %moe.multiply_16 = stablehlo.multiply %moe.transpose_2, %moe.broadcast_in_dim_13 : tensor<8x1x512xf32>
    %moe.add_7 = stablehlo.add %moe.multiply_8, %moe.multiply_16 : tensor<8x1x512xf32>
    %moe.constant_43 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_6 = stablehlo.reduce(%moe.add_7 init: %moe.constant_43) applies stablehlo.add across dimensions = [1] : (tensor<8x1x512xf32>, tensor<f32>) -> tensor<8x512xf32>
    %moe.optimization_barrier_2 = stablehlo.optimization_barrier %moe.reduce_6 : tensor<8x512xf32>
    %moe.slice_6 = stablehlo.slice %moe.optimization_barrier_2 [0:1, 0:512] : (tensor<8x512xf32>) -> tensor<1x512xf32>
    %moe.slice_7 = stablehlo.slice %moe.slice_6 [0:1, 0:416] : (tensor<1x512xf32>) -> tensor<1x416xf32>
    %moe.dynamic_slice_11 = stablehlo.dynamic_slice %layers.0.moe.down.bias, %moe.reshape, %moe.constant_18, sizes = [1, 416] : (tensor<9x416xf32>, tensor<i32>, tensor<i32>) -> tensor<1x416xf32>
    %moe.reshape_15 = stablehlo.reshape %moe.dynamic_slice_11 : (tensor<1x416xf32>) -> tensor<416xf32>
    %moe.broadcast_in_dim_14 = stablehlo.broadcast_in_dim %moe.reshape_15, dims = [1] : (tensor<416xf32>) -> tensor<1x416xf32>
    %moe.broadcast_in_dim_15 = stablehlo.broadcast_in_dim %moe.reshape_2, dims = [] : (tensor<f32>) -> tensor<1x416xf32>
    %moe.multiply_17 = stablehlo.multiply %moe.broadcast_in_dim_14, %moe.broadcast_in_dim_15 : tensor<1x416xf32>
    %moe.add_8 = stablehlo.add %moe.slice_7, %moe.multiply_17 : tensor<1x416xf32>
    %moe.dynamic_slice_12 = stablehlo.dynamic_slice %layers.0.moe.down.bias, %moe.reshape_3, %moe.constant_18, sizes = [1, 416] : (tensor<9x416xf32>, tensor<i32>, tensor<i32>) -> tensor<1x416xf32>
    %moe.reshape_16 = stablehlo.reshape %moe.dynamic_slice_12 : (tensor<1x416xf32>) -> tensor<416xf32>
    %moe.broadcast_in_dim_16 = stablehlo.broadcast_in_dim %moe.reshape_16, dims = [1] : (tensor<416xf32>) -> tensor<1x416xf32>
    %moe.broadcast_in_dim_17 = stablehlo.broadcast_in_dim %moe.reshape_4, dims = [] : (tensor<f32>) -> tensor<1x416xf32>
    %moe.multiply_18 = stablehlo.multiply %moe.broadcast_in_dim_16, %moe.broadcast_in_dim_17 : tensor<1x416xf32>
    %moe.add_9 = stablehlo.add %moe.add_8, %moe.multiply_18 : tensor<1x416xf32>
    %add = stablehlo.add %x, %moe.add_9 : tensor<1x416xf32>
    return %add : tensor<1x416xf32>
  }
}
