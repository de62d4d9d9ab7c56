module @moe {
  func.func public @main(
      %layers.0.moe.norm: tensor<416xf32>,
      %layers.0.moe.router.weight: tensor<9x416xbf16>,
      %layers.0.moe.router.bias: tensor<9xf32>,
      %layers.0.moe.gate_up.weight: tensor<1x9x1216x416xbf16>,
      %layers.0.moe.gate_up.bias: tensor<1x9x1216xf32>,
      %layers.0.moe.down.weight: tensor<1x9x416x608xbf16>,
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
    %moe.dynamic_slice_2 = stablehlo.dynamic_slice %layers.0.moe.gate_up.weight, %moe.constant_20, %moe.reshape, %moe.constant_20, %moe.constant_20, sizes = [1, 1, 1216, 416] : (tensor<1x9x1216x416xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x1216x416xbf16>
    %moe.reshape_6 = stablehlo.reshape %moe.dynamic_slice_2 : (tensor<1x1x1216x416xbf16>) -> tensor<1x1216x416xbf16>
    %moe.dot_general_2 = stablehlo.dot_general %moe.convert_7, %moe.reshape_6, contracting_dims = [1] x [2] : (tensor<8x416xbf16>, tensor<1x1216x416xbf16>) -> tensor<8x1x1216xf32>
    %moe.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %moe.reshape_5, dims = [1, 2] : (tensor<1x1216xf32>) -> tensor<8x1x1216xf32>
    %moe.add_3 = stablehlo.add %moe.dot_general_2, %moe.broadcast_in_dim_6 : tensor<8x1x1216xf32>
    %moe.slice_2 = stablehlo.slice %moe.add_3 [0:8, 0:1, 0:608] : (tensor<8x1x1216xf32>) -> tensor<8x1x608xf32>
    %moe.slice_3 = stablehlo.slice %moe.add_3 [0:8, 0:1, 608:1216] : (tensor<8x1x1216xf32>) -> tensor<8x1x608xf32>
    %moe.constant_21 = stablehlo.constant dense<7.0> : tensor<8x1x608xf32>
    %moe.minimum = stablehlo.minimum %moe.slice_2, %moe.constant_21 : tensor<8x1x608xf32>
    %moe.constant_22 = stablehlo.constant dense<7.0> : tensor<8x1x608xf32>
    %moe.minimum_2 = stablehlo.minimum %moe.slice_3, %moe.constant_22 : tensor<8x1x608xf32>
    %moe.constant_23 = stablehlo.constant dense<-7.0> : tensor<8x1x608xf32>
    %moe.maximum = stablehlo.maximum %moe.minimum_2, %moe.constant_23 : tensor<8x1x608xf32>
    %moe.constant_24 = stablehlo.constant dense<1.702> : tensor<8x1x608xf32>
    %moe.multiply = stablehlo.multiply %moe.minimum, %moe.constant_24 : tensor<8x1x608xf32>
    %moe.logistic = stablehlo.logistic %moe.multiply : tensor<8x1x608xf32>
    %moe.multiply_2 = stablehlo.multiply %moe.minimum, %moe.logistic : tensor<8x1x608xf32>
    %moe.constant_25 = stablehlo.constant dense<1.0> : tensor<8x1x608xf32>
    %moe.add_4 = stablehlo.add %moe.maximum, %moe.constant_25 : tensor<8x1x608xf32>
    %moe.multiply_3 = stablehlo.multiply %moe.multiply_2, %moe.add_4 : tensor<8x1x608xf32>
    %moe.convert_8 = stablehlo.convert %moe.multiply_3 : (tensor<8x1x608xf32>) -> tensor<8x1x608xbf16>
    %moe.constant_26 = stablehlo.constant dense<0> : tensor<i32>
    %moe.dynamic_slice_3 = stablehlo.dynamic_slice %layers.0.moe.down.weight, %moe.constant_26, %moe.reshape, %moe.constant_26, %moe.constant_26, sizes = [1, 1, 416, 608] : (tensor<1x9x416x608xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x416x608xbf16>
    %moe.reshape_7 = stablehlo.reshape %moe.dynamic_slice_3 : (tensor<1x1x416x608xbf16>) -> tensor<1x416x608xbf16>
    %moe.dot_general_3 = stablehlo.dot_general %moe.convert_8, %moe.reshape_7, batching_dims = [1] x [0], contracting_dims = [2] x [2] : (tensor<8x1x608xbf16>, tensor<1x416x608xbf16>) -> tensor<1x8x416xf32>
    %moe.transpose = stablehlo.transpose %moe.dot_general_3, dims = [1, 0, 2] : (tensor<1x8x416xf32>) -> tensor<8x1x416xf32>
    %moe.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %moe.reshape_2, dims = [] : (tensor<f32>) -> tensor<8x1x416xf32>
    %moe.multiply_4 = stablehlo.multiply %moe.transpose, %moe.broadcast_in_dim_7 : tensor<8x1x416xf32>
    %moe.constant_27 = stablehlo.constant dense<0> : tensor<i32>
    %moe.dynamic_slice_4 = stablehlo.dynamic_slice %layers.0.moe.gate_up.bias, %moe.constant_27, %moe.reshape_3, %moe.constant_27, sizes = [1, 1, 1216] : (tensor<1x9x1216xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x1216xf32>
    %moe.reshape_8 = stablehlo.reshape %moe.dynamic_slice_4 : (tensor<1x1x1216xf32>) -> tensor<1x1216xf32>
    %moe.constant_28 = stablehlo.constant dense<0> : tensor<i32>
    %moe.dynamic_slice_5 = stablehlo.dynamic_slice %layers.0.moe.gate_up.weight, %moe.constant_28, %moe.reshape_3, %moe.constant_28, %moe.constant_28, sizes = [1, 1, 1216, 416] : (tensor<1x9x1216x416xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x1216x416xbf16>
    %moe.reshape_9 = stablehlo.reshape %moe.dynamic_slice_5 : (tensor<1x1x1216x416xbf16>) -> tensor<1x1216x416xbf16>
    %moe.dot_general_4 = stablehlo.dot_general %moe.convert_7, %moe.reshape_9, contracting_dims = [1] x [2] : (tensor<8x416xbf16>, tensor<1x1216x416xbf16>) -> tensor<8x1x1216xf32>
    %moe.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %moe.reshape_8, dims = [1, 2] : (tensor<1x1216xf32>) -> tensor<8x1x1216xf32>
    %moe.add_5 = stablehlo.add %moe.dot_general_4, %moe.broadcast_in_dim_8 : tensor<8x1x1216xf32>
    %moe.slice_4 = stablehlo.slice %moe.add_5 [0:8, 0:1, 0:608] : (tensor<8x1x1216xf32>) -> tensor<8x1x608xf32>
    %moe.slice_5 = stablehlo.slice %moe.add_5 [0:8, 0:1, 608:1216] : (tensor<8x1x1216xf32>) -> tensor<8x1x608xf32>
    %moe.constant_29 = stablehlo.constant dense<7.0> : tensor<8x1x608xf32>
    %moe.minimum_3 = stablehlo.minimum %moe.slice_4, %moe.constant_29 : tensor<8x1x608xf32>
    %moe.constant_30 = stablehlo.constant dense<7.0> : tensor<8x1x608xf32>
    %moe.minimum_4 = stablehlo.minimum %moe.slice_5, %moe.constant_30 : tensor<8x1x608xf32>
    %moe.constant_31 = stablehlo.constant dense<-7.0> : tensor<8x1x608xf32>
    %moe.maximum_2 = stablehlo.maximum %moe.minimum_4, %moe.constant_31 : tensor<8x1x608xf32>
    %moe.constant_32 = stablehlo.constant dense<1.702> : tensor<8x1x608xf32>
    %moe.multiply_5 = stablehlo.multiply %moe.minimum_3, %moe.constant_32 : tensor<8x1x608xf32>
    %moe.logistic_2 = stablehlo.logistic %moe.multiply_5 : tensor<8x1x608xf32>
    %moe.multiply_6 = stablehlo.multiply %moe.minimum_3, %moe.logistic_2 : tensor<8x1x608xf32>
    %moe.constant_33 = stablehlo.constant dense<1.0> : tensor<8x1x608xf32>
    %moe.add_6 = stablehlo.add %moe.maximum_2, %moe.constant_33 : tensor<8x1x608xf32>
    %moe.multiply_7 = stablehlo.multiply %moe.multiply_6, %moe.add_6 : tensor<8x1x608xf32>
    %moe.convert_9 = stablehlo.convert %moe.multiply_7 : (tensor<8x1x608xf32>) -> tensor<8x1x608xbf16>
    %moe.constant_34 = stablehlo.constant dense<0> : tensor<i32>
    %moe.dynamic_slice_6 = stablehlo.dynamic_slice %layers.0.moe.down.weight, %moe.constant_34, %moe.reshape_3, %moe.constant_34, %moe.constant_34, sizes = [1, 1, 416, 608] : (tensor<1x9x416x608xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x416x608xbf16>
    %moe.reshape_10 = stablehlo.reshape %moe.dynamic_slice_6 : (tensor<1x1x416x608xbf16>) -> tensor<1x416x608xbf16>
    %moe.dot_general_5 = stablehlo.dot_general %moe.convert_9, %moe.reshape_10, batching_dims = [1] x [0], contracting_dims = [2] x [2] : (tensor<8x1x608xbf16>, tensor<1x416x608xbf16>) -> tensor<1x8x416xf32>
    %moe.transpose_2 = stablehlo.transpose %moe.dot_general_5, dims = [1, 0, 2] : (tensor<1x8x416xf32>) -> tensor<8x1x416xf32>
    %moe.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %moe.reshape_4, dims = [] : (tensor<f32>) -> tensor<8x1x416xf32>
    %moe.multiply_8 = stablehlo.multiply %moe.transpose_2, %moe.broadcast_in_dim_9 : tensor<8x1x416xf32>
    %moe.add_7 = stablehlo.add %moe.multiply_4, %moe.multiply_8 : tensor<8x1x416xf32>
    %moe.constant_35 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_6 = stablehlo.reduce(%moe.add_7 init: %moe.constant_35) applies stablehlo.add across dimensions = [1] : (tensor<8x1x416xf32>, tensor<f32>) -> tensor<8x416xf32>
    %moe.optimization_barrier_2 = stablehlo.optimization_barrier %moe.reduce_6 : tensor<8x416xf32>
    %moe.slice_6 = stablehlo.slice %moe.optimization_barrier_2 [0:1, 0:416] : (tensor<8x416xf32>) -> tensor<1x416xf32>
    %moe.slice_7 = stablehlo.slice %moe.slice_6 [0:1, 0:416] : (tensor<1x416xf32>) -> tensor<1x416xf32>
    %moe.dynamic_slice_7 = stablehlo.dynamic_slice %layers.0.moe.down.bias, %moe.reshape, %moe.constant_18, sizes = [1, 416] : (tensor<9x416xf32>, tensor<i32>, tensor<i32>) -> tensor<1x416xf32>
    %moe.reshape_11 = stablehlo.reshape %moe.dynamic_slice_7 : (tensor<1x416xf32>) -> tensor<416xf32>
    %moe.broadcast_in_dim_10 = stablehlo.broadcast_in_dim %moe.reshape_11, dims = [1] : (tensor<416xf32>) -> tensor<1x416xf32>
    %moe.broadcast_in_dim_11 = stablehlo.broadcast_in_dim %moe.reshape_2, dims = [] : (tensor<f32>) -> tensor<1x416xf32>
    %moe.multiply_9 = stablehlo.multiply %moe.broadcast_in_dim_10, %moe.broadcast_in_dim_11 : tensor<1x416xf32>
    %moe.add_8 = stablehlo.add %moe.slice_7, %moe.multiply_9 : tensor<1x416xf32>
    %moe.dynamic_slice_8 = stablehlo.dynamic_slice %layers.0.moe.down.bias, %moe.reshape_3, %moe.constant_18, sizes = [1, 416] : (tensor<9x416xf32>, tensor<i32>, tensor<i32>) -> tensor<1x416xf32>
    %moe.reshape_12 = stablehlo.reshape %moe.dynamic_slice_8 : (tensor<1x416xf32>) -> tensor<416xf32>
    %moe.broadcast_in_dim_12 = stablehlo.broadcast_in_dim %moe.reshape_12, dims = [1] : (tensor<416xf32>) -> tensor<1x416xf32>
    %moe.broadcast_in_dim_13 = stablehlo.broadcast_in_dim %moe.reshape_4, dims = [] : (tensor<f32>) -> tensor<1x416xf32>
    %moe.multiply_10 = stablehlo.multiply %moe.broadcast_in_dim_12, %moe.broadcast_in_dim_13 : tensor<1x416xf32>
    %moe.add_9 = stablehlo.add %moe.add_8, %moe.multiply_10 : tensor<1x416xf32>
    %add = stablehlo.add %x, %moe.add_9 : tensor<1x416xf32>
    return %add : tensor<1x416xf32>
  }
}
