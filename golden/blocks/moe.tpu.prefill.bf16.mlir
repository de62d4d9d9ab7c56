module @moe {
  func.func public @main(
      %layers.0.moe.norm: tensor<416xf32>,
      %layers.0.moe.router.weight: tensor<9x416xbf16>,
      %layers.0.moe.router.bias: tensor<9xf32>,
      %layers.0.moe.gate_up.weight: tensor<1x9x1216x416xbf16>,
      %layers.0.moe.gate_up.bias: tensor<1x9x1216xf32>,
      %layers.0.moe.down.weight: tensor<1x9x416x608xbf16>,
      %layers.0.moe.down.bias: tensor<9x416xf32>,
      %x: tensor<48x416xf32>,
      %sequence: tensor<i32>,
      %start: tensor<i32>,
      %count: tensor<i32>) -> (tensor<48x416xf32>) {
    %moe.norm.multiply = stablehlo.multiply %x, %x : tensor<48x416xf32>
    %moe.norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.norm.reduce = stablehlo.reduce(%moe.norm.multiply init: %moe.norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<48x416xf32>, tensor<f32>) -> tensor<48xf32>
    %moe.norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<48xf32>
    %moe.norm.divide = stablehlo.divide %moe.norm.reduce, %moe.norm.constant_2 : tensor<48xf32>
    %moe.norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<48xf32>
    %moe.norm.add = stablehlo.add %moe.norm.divide, %moe.norm.constant_3 : tensor<48xf32>
    %moe.norm.rsqrt = stablehlo.rsqrt %moe.norm.add : tensor<48xf32>
    %moe.norm.broadcast_in_dim = stablehlo.broadcast_in_dim %moe.norm.rsqrt, dims = [0] : (tensor<48xf32>) -> tensor<48x416xf32>
    %moe.norm.multiply_2 = stablehlo.multiply %x, %moe.norm.broadcast_in_dim : tensor<48x416xf32>
    %moe.norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %layers.0.moe.norm, dims = [1] : (tensor<416xf32>) -> tensor<48x416xf32>
    %moe.norm.multiply_3 = stablehlo.multiply %moe.norm.multiply_2, %moe.norm.broadcast_in_dim_2 : tensor<48x416xf32>
    %moe.convert = stablehlo.convert %moe.norm.multiply_3 : (tensor<48x416xf32>) -> tensor<48x416xbf16>
    %moe.dot_general = stablehlo.dot_general %moe.convert, %layers.0.moe.router.weight, contracting_dims = [1] x [1] : (tensor<48x416xbf16>, tensor<9x416xbf16>) -> tensor<48x9xf32>
    %moe.broadcast_in_dim = stablehlo.broadcast_in_dim %layers.0.moe.router.bias, dims = [1] : (tensor<9xf32>) -> tensor<48x9xf32>
    %moe.router = stablehlo.add %moe.dot_general, %moe.broadcast_in_dim : tensor<48x9xf32>
    %moe.iota = stablehlo.iota dim = 1 : tensor<48x9xi32>
    %moe.convert_2 = stablehlo.convert %moe.iota : (tensor<48x9xi32>) -> tensor<48x9xf32>
    %moe.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %moe.router, dims = [0, 1] : (tensor<48x9xf32>) -> tensor<48x9x9xf32>
    %moe.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %moe.router, dims = [0, 2] : (tensor<48x9xf32>) -> tensor<48x9x9xf32>
    %moe.compare = stablehlo.compare GT, %moe.broadcast_in_dim_3, %moe.broadcast_in_dim_2, FLOAT : (tensor<48x9x9xf32>, tensor<48x9x9xf32>) -> tensor<48x9x9xi1>
    %moe.compare_2 = stablehlo.compare EQ, %moe.broadcast_in_dim_3, %moe.broadcast_in_dim_2, FLOAT : (tensor<48x9x9xf32>, tensor<48x9x9xf32>) -> tensor<48x9x9xi1>
    %moe.iota_2 = stablehlo.iota dim = 2 : tensor<48x9x9xi32>
    %moe.iota_3 = stablehlo.iota dim = 1 : tensor<48x9x9xi32>
    %moe.compare_3 = stablehlo.compare LT, %moe.iota_2, %moe.iota_3, SIGNED : (tensor<48x9x9xi32>, tensor<48x9x9xi32>) -> tensor<48x9x9xi1>
    %moe.and = stablehlo.and %moe.compare_2, %moe.compare_3 : tensor<48x9x9xi1>
    %moe.or = stablehlo.or %moe.compare, %moe.and : tensor<48x9x9xi1>
    %moe.convert_3 = stablehlo.convert %moe.or : (tensor<48x9x9xi1>) -> tensor<48x9x9xi32>
    %moe.constant = stablehlo.constant dense<0> : tensor<i32>
    %moe.rank = stablehlo.reduce(%moe.convert_3 init: %moe.constant) applies stablehlo.add across dimensions = [2] : (tensor<48x9x9xi32>, tensor<i32>) -> tensor<48x9xi32>
    %moe.constant_2 = stablehlo.constant dense<0> : tensor<48x9xi32>
    %moe.compare_4 = stablehlo.compare EQ, %moe.rank, %moe.constant_2, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %moe.constant_3 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %moe.select = stablehlo.select %moe.compare_4, %moe.convert_2, %moe.constant_3 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.constant_4 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_2 = stablehlo.reduce(%moe.select init: %moe.constant_4) applies stablehlo.add across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %moe.constant_5 = stablehlo.constant dense<1> : tensor<48x9xi32>
    %moe.compare_5 = stablehlo.compare EQ, %moe.rank, %moe.constant_5, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %moe.constant_6 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %moe.select_2 = stablehlo.select %moe.compare_5, %moe.convert_2, %moe.constant_6 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.constant_7 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_3 = stablehlo.reduce(%moe.select_2 init: %moe.constant_7) applies stablehlo.add across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %moe.convert_4 = stablehlo.convert %moe.reduce_2 : (tensor<48xf32>) -> tensor<48xi32>
    %moe.convert_5 = stablehlo.convert %moe.reduce_3 : (tensor<48xf32>) -> tensor<48xi32>
    %moe.constant_8 = stablehlo.constant dense<0> : tensor<48x9xi32>
    %moe.compare_6 = stablehlo.compare EQ, %moe.rank, %moe.constant_8, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %moe.constant_9 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %moe.select_3 = stablehlo.select %moe.compare_6, %moe.router, %moe.constant_9 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.constant_10 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_4 = stablehlo.reduce(%moe.select_3 init: %moe.constant_10) applies stablehlo.add across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %moe.constant_11 = stablehlo.constant dense<1> : tensor<48x9xi32>
    %moe.compare_7 = stablehlo.compare EQ, %moe.rank, %moe.constant_11, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %moe.constant_12 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %moe.select_4 = stablehlo.select %moe.compare_7, %moe.router, %moe.constant_12 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.constant_13 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_5 = stablehlo.reduce(%moe.select_4 init: %moe.constant_13) applies stablehlo.add across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %moe.subtract = stablehlo.subtract %moe.reduce_4, %moe.reduce_4 : tensor<48xf32>
    %moe.exponential = stablehlo.exponential %moe.subtract : tensor<48xf32>
    %moe.subtract_2 = stablehlo.subtract %moe.reduce_5, %moe.reduce_4 : tensor<48xf32>
    %moe.exponential_2 = stablehlo.exponential %moe.subtract_2 : tensor<48xf32>
    %moe.add_2 = stablehlo.add %moe.exponential, %moe.exponential_2 : tensor<48xf32>
    %moe.divide = stablehlo.divide %moe.exponential, %moe.add_2 : tensor<48xf32>
    %moe.divide_2 = stablehlo.divide %moe.exponential_2, %moe.add_2 : tensor<48xf32>
    %moe.constant_14 = stablehlo.constant dense<2> : tensor<48x9xi32>
    %moe.compare_8 = stablehlo.compare LT, %moe.rank, %moe.constant_14, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %moe.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %moe.reduce_4, dims = [0] : (tensor<48xf32>) -> tensor<48x9xf32>
    %moe.subtract_3 = stablehlo.subtract %moe.router, %moe.broadcast_in_dim_4 : tensor<48x9xf32>
    %moe.exponential_3 = stablehlo.exponential %moe.subtract_3 : tensor<48x9xf32>
    %moe.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %moe.add_2, dims = [0] : (tensor<48xf32>) -> tensor<48x9xf32>
    %moe.divide_3 = stablehlo.divide %moe.exponential_3, %moe.broadcast_in_dim_5 : tensor<48x9xf32>
    %moe.constant_15 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %moe.select_5 = stablehlo.select %moe.compare_8, %moe.divide_3, %moe.constant_15 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.convert_6 = stablehlo.convert %moe.compare_8 : (tensor<48x9xi1>) -> tensor<48x9xf32>
    %moe.iota_4 = stablehlo.iota dim = 0 : tensor<48xi32>
    %moe.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %count, dims = [] : (tensor<i32>) -> tensor<48xi32>
    %moe.compare_9 = stablehlo.compare LT, %moe.iota_4, %moe.broadcast_in_dim_6, SIGNED : (tensor<48xi32>, tensor<48xi32>) -> tensor<48xi1>
    %moe.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %moe.compare_9, dims = [0] : (tensor<48xi1>) -> tensor<48x9xi1>
    %moe.constant_16 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %moe.select_6 = stablehlo.select %moe.broadcast_in_dim_7, %moe.select_5, %moe.constant_16 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %moe.compare_9, dims = [0] : (tensor<48xi1>) -> tensor<48x9xi1>
    %moe.constant_17 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %moe.select_7 = stablehlo.select %moe.broadcast_in_dim_8, %moe.convert_6, %moe.constant_17 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.slice = stablehlo.slice %moe.norm.multiply_3 [0:48, 0:416] : (tensor<48x416xf32>) -> tensor<48x416xf32>
    %moe.convert_7 = stablehlo.convert %moe.slice : (tensor<48x416xf32>) -> tensor<48x416xbf16>
    %moe.dot_general_2 = stablehlo.dot_general %moe.convert_7, %layers.0.moe.gate_up.weight, contracting_dims = [1] x [3] : (tensor<48x416xbf16>, tensor<1x9x1216x416xbf16>) -> tensor<48x1x9x1216xf32>
    %moe.transpose = stablehlo.transpose %moe.dot_general_2, dims = [0, 2, 1, 3] : (tensor<48x1x9x1216xf32>) -> tensor<48x9x1x1216xf32>
    %moe.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %layers.0.moe.gate_up.bias, dims = [2, 1, 3] : (tensor<1x9x1216xf32>) -> tensor<48x9x1x1216xf32>
    %moe.add_3 = stablehlo.add %moe.transpose, %moe.broadcast_in_dim_9 : tensor<48x9x1x1216xf32>
    %moe.reshape = stablehlo.reshape %moe.add_3 : (tensor<48x9x1x1216xf32>) -> tensor<432x1x1216xf32>
    %moe.slice_2 = stablehlo.slice %moe.reshape [0:432, 0:1, 0:608] : (tensor<432x1x1216xf32>) -> tensor<432x1x608xf32>
    %moe.slice_3 = stablehlo.slice %moe.reshape [0:432, 0:1, 608:1216] : (tensor<432x1x1216xf32>) -> tensor<432x1x608xf32>
    %moe.constant_18 = stablehlo.constant dense<7.0> : tensor<432x1x608xf32>
    %moe.minimum = stablehlo.minimum %moe.slice_2, %moe.constant_18 : tensor<432x1x608xf32>
    %moe.constant_19 = stablehlo.constant dense<7.0> : tensor<432x1x608xf32>
    %moe.minimum_2 = stablehlo.minimum %moe.slice_3, %moe.constant_19 : tensor<432x1x608xf32>
    %moe.constant_20 = stablehlo.constant dense<-7.0> : tensor<432x1x608xf32>
    %moe.maximum = stablehlo.maximum %moe.minimum_2, %moe.constant_20 : tensor<432x1x608xf32>
    %moe.constant_21 = stablehlo.constant dense<1.702> : tensor<432x1x608xf32>
    %moe.multiply = stablehlo.multiply %moe.minimum, %moe.constant_21 : tensor<432x1x608xf32>
    %moe.logistic = stablehlo.logistic %moe.multiply : tensor<432x1x608xf32>
    %moe.multiply_2 = stablehlo.multiply %moe.minimum, %moe.logistic : tensor<432x1x608xf32>
    %moe.constant_22 = stablehlo.constant dense<1.0> : tensor<432x1x608xf32>
    %moe.add_4 = stablehlo.add %moe.maximum, %moe.constant_22 : tensor<432x1x608xf32>
    %moe.multiply_3 = stablehlo.multiply %moe.multiply_2, %moe.add_4 : tensor<432x1x608xf32>
    %moe.convert_8 = stablehlo.convert %moe.multiply_3 : (tensor<432x1x608xf32>) -> tensor<432x1x608xbf16>
    %moe.reshape_2 = stablehlo.reshape %moe.convert_8 : (tensor<432x1x608xbf16>) -> tensor<48x9x1x608xbf16>
    %moe.dot_general_3 = stablehlo.dot_general %moe.reshape_2, %layers.0.moe.down.weight, batching_dims = [1, 2] x [1, 0], contracting_dims = [3] x [3] : (tensor<48x9x1x608xbf16>, tensor<1x9x416x608xbf16>) -> tensor<9x1x48x416xf32>
    %moe.transpose_2 = stablehlo.transpose %moe.dot_general_3, dims = [2, 0, 1, 3] : (tensor<9x1x48x416xf32>) -> tensor<48x9x1x416xf32>
    %moe.broadcast_in_dim_10 = stablehlo.broadcast_in_dim %moe.select_6, dims = [0, 1] : (tensor<48x9xf32>) -> tensor<48x9x1x416xf32>
    %moe.constant_23 = stablehlo.constant dense<0.0> : tensor<48x9x1x416xf32>
    %moe.compare_10 = stablehlo.compare GT, %moe.broadcast_in_dim_10, %moe.constant_23, FLOAT : (tensor<48x9x1x416xf32>, tensor<48x9x1x416xf32>) -> tensor<48x9x1x416xi1>
    %moe.multiply_4 = stablehlo.multiply %moe.transpose_2, %moe.broadcast_in_dim_10 : tensor<48x9x1x416xf32>
    %moe.constant_24 = stablehlo.constant dense<0.0> : tensor<48x9x1x416xf32>
    %moe.select_8 = stablehlo.select %moe.compare_10, %moe.multiply_4, %moe.constant_24 : tensor<48x9x1x416xi1>, tensor<48x9x1x416xf32>
    %moe.constant_25 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_6 = stablehlo.reduce(%moe.select_8 init: %moe.constant_25) applies stablehlo.add across dimensions = [1] : (tensor<48x9x1x416xf32>, tensor<f32>) -> tensor<48x1x416xf32>
    %moe.slice_4 = stablehlo.slice %moe.reduce_6 [0:48, 0:1, 0:416] : (tensor<48x1x416xf32>) -> tensor<48x1x416xf32>
    %moe.constant_26 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_7 = stablehlo.reduce(%moe.slice_4 init: %moe.constant_26) applies stablehlo.add across dimensions = [1] : (tensor<48x1x416xf32>, tensor<f32>) -> tensor<48x416xf32>
    %moe.dot_general_4 = stablehlo.dot_general %moe.select_6, %layers.0.moe.down.bias, contracting_dims = [1] x [0], precision = [HIGHEST, HIGHEST] : (tensor<48x9xf32>, tensor<9x416xf32>) -> tensor<48x416xf32>
    %moe.add_5 = stablehlo.add %moe.reduce_7, %moe.dot_general_4 : tensor<48x416xf32>
    %add = stablehlo.add %x, %moe.add_5 : tensor<48x416xf32>
    return %add : tensor<48x416xf32>
  }
}
