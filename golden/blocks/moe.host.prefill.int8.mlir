module @moe {
  func.func public @main(
      %layers.0.moe.norm: tensor<416xf32>,
      %layers.0.moe.router.weight: tensor<9x416xbf16>,
      %layers.0.moe.router.bias: tensor<9xf32>,
      %layers.0.moe.gate_up.weight: tensor<1x9x1216x416xi8>,
      %layers.0.moe.gate_up.scales: tensor<1x9x1216xf32>,
      %layers.0.moe.gate_up.bias: tensor<1x9x1216xf32>,
      %layers.0.moe.down.weight: tensor<1x9x416x608xi8>,
      %layers.0.moe.down.scales: tensor<1x9x416xf32>,
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
    %moe.constant = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %moe.reduce = stablehlo.reduce(%moe.router init: %moe.constant) applies stablehlo.maximum across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %moe.constant_2 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %moe.constant_3 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %moe.constant_4 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %moe.reduce_2 = stablehlo.reduce(%moe.router init: %moe.constant_4) applies stablehlo.maximum across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %moe.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %moe.reduce_2, dims = [0] : (tensor<48xf32>) -> tensor<48x9xf32>
    %moe.iota_2 = stablehlo.iota dim = 1 : tensor<48x9xi32>
    %moe.compare = stablehlo.compare EQ, %moe.router, %moe.broadcast_in_dim_2, FLOAT : (tensor<48x9xf32>, tensor<48x9xf32>) -> tensor<48x9xi1>
    %moe.constant_5 = stablehlo.constant dense<9> : tensor<48x9xi32>
    %moe.select = stablehlo.select %moe.compare, %moe.iota_2, %moe.constant_5 : tensor<48x9xi1>, tensor<48x9xi32>
    %moe.constant_6 = stablehlo.constant dense<2147483647> : tensor<i32>
    %moe.reduce_3 = stablehlo.reduce(%moe.select init: %moe.constant_6) applies stablehlo.minimum across dimensions = [1] : (tensor<48x9xi32>, tensor<i32>) -> tensor<48xi32>
    %moe.constant_7 = stablehlo.constant dense<9> : tensor<48xi32>
    %moe.pick = stablehlo.minimum %moe.reduce_3, %moe.constant_7 : tensor<48xi32>
    %moe.broadcast_in_dim_3 = stablehlo.broadcast_in_dim %moe.pick, dims = [0] : (tensor<48xi32>) -> tensor<48x9xi32>
    %moe.compare_2 = stablehlo.compare EQ, %moe.iota, %moe.broadcast_in_dim_3, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %moe.broadcast_in_dim_4 = stablehlo.broadcast_in_dim %moe.reduce, dims = [0] : (tensor<48xf32>) -> tensor<48x9xf32>
    %moe.subtract = stablehlo.subtract %moe.router, %moe.broadcast_in_dim_4 : tensor<48x9xf32>
    %moe.exponential = stablehlo.exponential %moe.subtract : tensor<48x9xf32>
    %moe.select_2 = stablehlo.select %moe.compare_2, %moe.exponential, %moe.constant_2 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.constant_8 = stablehlo.constant dense<1.0> : tensor<48x9xf32>
    %moe.select_3 = stablehlo.select %moe.compare_2, %moe.constant_8, %moe.constant_3 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.constant_9 = stablehlo.constant dense<0xFF800000> : tensor<48x9xf32>
    %moe.select_4 = stablehlo.select %moe.compare_2, %moe.constant_9, %moe.router : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.constant_10 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %moe.reduce_4 = stablehlo.reduce(%moe.select_4 init: %moe.constant_10) applies stablehlo.maximum across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %moe.broadcast_in_dim_5 = stablehlo.broadcast_in_dim %moe.reduce_4, dims = [0] : (tensor<48xf32>) -> tensor<48x9xf32>
    %moe.iota_3 = stablehlo.iota dim = 1 : tensor<48x9xi32>
    %moe.compare_3 = stablehlo.compare EQ, %moe.select_4, %moe.broadcast_in_dim_5, FLOAT : (tensor<48x9xf32>, tensor<48x9xf32>) -> tensor<48x9xi1>
    %moe.constant_11 = stablehlo.constant dense<9> : tensor<48x9xi32>
    %moe.select_5 = stablehlo.select %moe.compare_3, %moe.iota_3, %moe.constant_11 : tensor<48x9xi1>, tensor<48x9xi32>
    %moe.constant_12 = stablehlo.constant dense<2147483647> : tensor<i32>
    %moe.reduce_5 = stablehlo.reduce(%moe.select_5 init: %moe.constant_12) applies stablehlo.minimum across dimensions = [1] : (tensor<48x9xi32>, tensor<i32>) -> tensor<48xi32>
    %moe.constant_13 = stablehlo.constant dense<9> : tensor<48xi32>
    %moe.pick_2 = stablehlo.minimum %moe.reduce_5, %moe.constant_13 : tensor<48xi32>
    %moe.broadcast_in_dim_6 = stablehlo.broadcast_in_dim %moe.pick_2, dims = [0] : (tensor<48xi32>) -> tensor<48x9xi32>
    %moe.compare_4 = stablehlo.compare EQ, %moe.iota, %moe.broadcast_in_dim_6, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %moe.broadcast_in_dim_7 = stablehlo.broadcast_in_dim %moe.reduce, dims = [0] : (tensor<48xf32>) -> tensor<48x9xf32>
    %moe.subtract_2 = stablehlo.subtract %moe.router, %moe.broadcast_in_dim_7 : tensor<48x9xf32>
    %moe.exponential_2 = stablehlo.exponential %moe.subtract_2 : tensor<48x9xf32>
    %moe.select_6 = stablehlo.select %moe.compare_4, %moe.exponential_2, %moe.select_2 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.constant_14 = stablehlo.constant dense<1.0> : tensor<48x9xf32>
    %moe.select_7 = stablehlo.select %moe.compare_4, %moe.constant_14, %moe.select_3 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.constant_15 = stablehlo.constant dense<0xFF800000> : tensor<48x9xf32>
    %moe.select_8 = stablehlo.select %moe.compare_4, %moe.constant_15, %moe.select_4 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.constant_16 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_6 = stablehlo.reduce(%moe.select_6 init: %moe.constant_16) applies stablehlo.add across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %moe.broadcast_in_dim_8 = stablehlo.broadcast_in_dim %moe.reduce_6, dims = [0] : (tensor<48xf32>) -> tensor<48x9xf32>
    %moe.divide = stablehlo.divide %moe.select_6, %moe.broadcast_in_dim_8 : tensor<48x9xf32>
    %moe.iota_4 = stablehlo.iota dim = 0 : tensor<48xi32>
    %moe.broadcast_in_dim_9 = stablehlo.broadcast_in_dim %count, dims = [] : (tensor<i32>) -> tensor<48xi32>
    %moe.compare_5 = stablehlo.compare LT, %moe.iota_4, %moe.broadcast_in_dim_9, SIGNED : (tensor<48xi32>, tensor<48xi32>) -> tensor<48xi1>
    %moe.broadcast_in_dim_10 = stablehlo.broadcast_in_dim %moe.compare_5, dims = [0] : (tensor<48xi1>) -> tensor<48x9xi1>
    %moe.constant_17 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %moe.select_9 = stablehlo.select %moe.broadcast_in_dim_10, %moe.divide, %moe.constant_17 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.broadcast_in_dim_11 = stablehlo.broadcast_in_dim %moe.compare_5, dims = [0] : (tensor<48xi1>) -> tensor<48x9xi1>
    %moe.constant_18 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %moe.select_10 = stablehlo.select %moe.broadcast_in_dim_11, %moe.select_7, %moe.constant_18 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.constant_19 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_7 = stablehlo.reduce(%moe.select_10 init: %moe.constant_19) applies stablehlo.add across dimensions = [0] : (tensor<48x9xf32>, tensor<f32>) -> tensor<9xf32>
    %moe.convert_2 = stablehlo.convert %moe.reduce_7 : (tensor<9xf32>) -> tensor<9xi32>
    %moe.constant_20 = stablehlo.constant dense<7> : tensor<9xi32>
    %moe.add_2 = stablehlo.add %moe.convert_2, %moe.constant_20 : tensor<9xi32>
    %moe.constant_21 = stablehlo.constant dense<8> : tensor<9xi32>
    %moe.divide_2 = stablehlo.divide %moe.add_2, %moe.constant_21 : tensor<9xi32>
    %moe.iota_5 = stablehlo.iota dim = 1 : tensor<9x9xi32>
    %moe.iota_6 = stablehlo.iota dim = 0 : tensor<9x9xi32>
    %moe.compare_6 = stablehlo.compare LE, %moe.iota_5, %moe.iota_6, SIGNED : (tensor<9x9xi32>, tensor<9x9xi32>) -> tensor<9x9xi1>
    %moe.broadcast_in_dim_12 = stablehlo.broadcast_in_dim %moe.divide_2, dims = [1] : (tensor<9xi32>) -> tensor<9x9xi32>
    %moe.constant_22 = stablehlo.constant dense<0> : tensor<9x9xi32>
    %moe.select_11 = stablehlo.select %moe.compare_6, %moe.broadcast_in_dim_12, %moe.constant_22 : tensor<9x9xi1>, tensor<9x9xi32>
    %moe.constant_23 = stablehlo.constant dense<0> : tensor<i32>
    %moe.reduce_8 = stablehlo.reduce(%moe.select_11 init: %moe.constant_23) applies stablehlo.add across dimensions = [1] : (tensor<9x9xi32>, tensor<i32>) -> tensor<9xi32>
    %moe.subtract_3 = stablehlo.subtract %moe.reduce_8, %moe.divide_2 : tensor<9xi32>
    %moe.iota_7 = stablehlo.iota dim = 1 : tensor<48x48xi32>
    %moe.iota_8 = stablehlo.iota dim = 0 : tensor<48x48xi32>
    %moe.compare_7 = stablehlo.compare LT, %moe.iota_7, %moe.iota_8, SIGNED : (tensor<48x48xi32>, tensor<48x48xi32>) -> tensor<48x48xi1>
    %moe.convert_3 = stablehlo.convert %moe.compare_7 : (tensor<48x48xi1>) -> tensor<48x48xf32>
    %moe.dot_general_2 = stablehlo.dot_general %moe.convert_3, %moe.select_10, contracting_dims = [1] x [0], precision = [HIGHEST, HIGHEST] : (tensor<48x48xf32>, tensor<48x9xf32>) -> tensor<48x9xf32>
    %moe.convert_4 = stablehlo.convert %moe.dot_general_2 : (tensor<48x9xf32>) -> tensor<48x9xi32>
    %moe.constant_24 = stablehlo.constant dense<8> : tensor<9xi32>
    %moe.multiply = stablehlo.multiply %moe.subtract_3, %moe.constant_24 : tensor<9xi32>
    %moe.broadcast_in_dim_13 = stablehlo.broadcast_in_dim %moe.multiply, dims = [1] : (tensor<9xi32>) -> tensor<48x9xi32>
    %moe.add_3 = stablehlo.add %moe.broadcast_in_dim_13, %moe.convert_4 : tensor<48x9xi32>
    %moe.constant_25 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %moe.compare_8 = stablehlo.compare GT, %moe.select_10, %moe.constant_25, FLOAT : (tensor<48x9xf32>, tensor<48x9xf32>) -> tensor<48x9xi1>
    %moe.constant_26 = stablehlo.constant dense<-1> : tensor<48x9xi32>
    %moe.select_12 = stablehlo.select %moe.compare_8, %moe.add_3, %moe.constant_26 : tensor<48x9xi1>, tensor<48x9xi32>
    %moe.iota_9 = stablehlo.iota dim = 1 : tensor<48x9xi32>
    %moe.broadcast_in_dim_14 = stablehlo.broadcast_in_dim %moe.pick, dims = [0] : (tensor<48xi32>) -> tensor<48x9xi32>
    %moe.compare_9 = stablehlo.compare EQ, %moe.iota_9, %moe.broadcast_in_dim_14, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %moe.constant_27 = stablehlo.constant dense<0> : tensor<48x9xi32>
    %moe.select_13 = stablehlo.select %moe.compare_9, %moe.select_12, %moe.constant_27 : tensor<48x9xi1>, tensor<48x9xi32>
    %moe.constant_28 = stablehlo.constant dense<0> : tensor<i32>
    %moe.slot = stablehlo.reduce(%moe.select_13 init: %moe.constant_28) applies stablehlo.add across dimensions = [1] : (tensor<48x9xi32>, tensor<i32>) -> tensor<48xi32>
    %moe.iota_10 = stablehlo.iota dim = 1 : tensor<48x9xi32>
    %moe.broadcast_in_dim_15 = stablehlo.broadcast_in_dim %moe.pick_2, dims = [0] : (tensor<48xi32>) -> tensor<48x9xi32>
    %moe.compare_10 = stablehlo.compare EQ, %moe.iota_10, %moe.broadcast_in_dim_15, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %moe.constant_29 = stablehlo.constant dense<0> : tensor<48x9xi32>
    %moe.select_14 = stablehlo.select %moe.compare_10, %moe.select_12, %moe.constant_29 : tensor<48x9xi1>, tensor<48x9xi32>
    %moe.constant_30 = stablehlo.constant dense<0> : tensor<i32>
    %moe.slot_2 = stablehlo.reduce(%moe.select_14 init: %moe.constant_30) applies stablehlo.add across dimensions = [1] : (tensor<48x9xi32>, tensor<i32>) -> tensor<48xi32>
    %moe.convert_5 = stablehlo.convert %moe.norm.multiply_3 : (tensor<48x416xf32>) -> tensor<48x416xbf16>
    %moe.iota_11 = stablehlo.iota dim = 0 : tensor<176x48xi32>
    %moe.iota_12 = stablehlo.iota dim = 1 : tensor<176x48xi32>
    %moe.constant_31 = stablehlo.constant dense<0> : tensor<176x48xi32>
    %moe.broadcast_in_dim_16 = stablehlo.broadcast_in_dim %moe.slot, dims = [1] : (tensor<48xi32>) -> tensor<176x48xi32>
    %moe.compare_11 = stablehlo.compare EQ, %moe.broadcast_in_dim_16, %moe.iota_11, SIGNED : (tensor<176x48xi32>, tensor<176x48xi32>) -> tensor<176x48xi1>
    %moe.broadcast_in_dim_17 = stablehlo.broadcast_in_dim %moe.slot_2, dims = [1] : (tensor<48xi32>) -> tensor<176x48xi32>
    %moe.compare_12 = stablehlo.compare EQ, %moe.broadcast_in_dim_17, %moe.iota_11, SIGNED : (tensor<176x48xi32>, tensor<176x48xi32>) -> tensor<176x48xi1>
    %moe.or = stablehlo.or %moe.compare_11, %moe.compare_12 : tensor<176x48xi1>
    %moe.select_15 = stablehlo.select %moe.or, %moe.iota_12, %moe.constant_31 : tensor<176x48xi1>, tensor<176x48xi32>
    %moe.constant_32 = stablehlo.constant dense<-2147483648> : tensor<i32>
    %moe.source = stablehlo.reduce(%moe.select_15 init: %moe.constant_32) applies stablehlo.maximum across dimensions = [1] : (tensor<176x48xi32>, tensor<i32>) -> tensor<176xi32>
    %moe.gather = "stablehlo.gather"(%moe.convert_5, %moe.source) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 416>}> : (tensor<48x416xbf16>, tensor<176xi32>) -> tensor<176x416xbf16>
    %moe.reshape = stablehlo.reshape %moe.gather : (tensor<176x416xbf16>) -> tensor<22x8x416xbf16>
    %moe.constant_33 = stablehlo.constant dense<15> : tensor<9xi32>
    %moe.add_4 = stablehlo.add %moe.convert_2, %moe.constant_33 : tensor<9xi32>
    %moe.constant_34 = stablehlo.constant dense<16> : tensor<9xi32>
    %moe.divide_3 = stablehlo.divide %moe.add_4, %moe.constant_34 : tensor<9xi32>
    %moe.iota_13 = stablehlo.iota dim = 1 : tensor<9x9xi32>
    %moe.iota_14 = stablehlo.iota dim = 0 : tensor<9x9xi32>
    %moe.compare_13 = stablehlo.compare LE, %moe.iota_13, %moe.iota_14, SIGNED : (tensor<9x9xi32>, tensor<9x9xi32>) -> tensor<9x9xi1>
    %moe.broadcast_in_dim_18 = stablehlo.broadcast_in_dim %moe.divide_3, dims = [1] : (tensor<9xi32>) -> tensor<9x9xi32>
    %moe.constant_35 = stablehlo.constant dense<0> : tensor<9x9xi32>
    %moe.select_16 = stablehlo.select %moe.compare_13, %moe.broadcast_in_dim_18, %moe.constant_35 : tensor<9x9xi1>, tensor<9x9xi32>
    %moe.constant_36 = stablehlo.constant dense<0> : tensor<i32>
    %moe.block_ends = stablehlo.reduce(%moe.select_16 init: %moe.constant_36) applies stablehlo.add across dimensions = [1] : (tensor<9x9xi32>, tensor<i32>) -> tensor<9xi32>
    %moe.constant_37 = stablehlo.constant dense<0> : tensor<i32>
    %moe.blocks = stablehlo.reduce(%moe.divide_3 init: %moe.constant_37) applies stablehlo.add across dimensions = [0] : (tensor<9xi32>, tensor<i32>) -> tensor<i32>
    %moe.broadcast_in_dim_19 = stablehlo.broadcast_in_dim %moe.reshape, dims = [0, 2, 3] : (tensor<22x8x416xbf16>) -> tensor<22x1x8x416xbf16>
    %moe.constant_38 = stablehlo.constant dense<0> : tensor<i32>
    %moe.while:2 = "stablehlo.while"(%moe.constant_38, %moe.broadcast_in_dim_19) ({
    ^bb0(%moe.arg: tensor<i32>, %moe.arg_2: tensor<22x1x8x416xbf16>):
      %moe.compare_14 = stablehlo.compare LT, %moe.arg, %moe.blocks, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %moe.compare_14 : tensor<i1>
    }, {
    ^bb0(%moe.arg_3: tensor<i32>, %moe.arg_4: tensor<22x1x8x416xbf16>):
      %moe.constant_39 = stablehlo.constant dense<0> : tensor<i32>
      %moe.broadcast_in_dim_20 = stablehlo.broadcast_in_dim %moe.arg_3, dims = [] : (tensor<i32>) -> tensor<9xi32>
      %moe.compare_15 = stablehlo.compare LE, %moe.block_ends, %moe.broadcast_in_dim_20, SIGNED : (tensor<9xi32>, tensor<9xi32>) -> tensor<9xi1>
      %moe.convert_6 = stablehlo.convert %moe.compare_15 : (tensor<9xi1>) -> tensor<9xi32>
      %moe.constant_40 = stablehlo.constant dense<0> : tensor<i32>
      %moe.expert = stablehlo.reduce(%moe.convert_6 init: %moe.constant_40) applies stablehlo.add across dimensions = [0] : (tensor<9xi32>, tensor<i32>) -> tensor<i32>
      %moe.constant_41 = stablehlo.constant dense<0> : tensor<9xi32>
      %moe.select_17 = stablehlo.select %moe.compare_15, %moe.divide_3, %moe.constant_41 : tensor<9xi1>, tensor<9xi32>
      %moe.constant_42 = stablehlo.constant dense<0> : tensor<i32>
      %moe.reduce_15 = stablehlo.reduce(%moe.select_17 init: %moe.constant_42) applies stablehlo.add across dimensions = [0] : (tensor<9xi32>, tensor<i32>) -> tensor<i32>
      %moe.subtract_4 = stablehlo.subtract %moe.arg_3, %moe.reduce_15 : tensor<i32>
      %moe.dynamic_slice = stablehlo.dynamic_slice %moe.subtract_3, %moe.expert, sizes = [1] : (tensor<9xi32>, tensor<i32>) -> tensor<1xi32>
      %moe.reshape_2 = stablehlo.reshape %moe.dynamic_slice : (tensor<1xi32>) -> tensor<i32>
      %moe.constant_43 = stablehlo.constant dense<2> : tensor<i32>
      %moe.multiply_2 = stablehlo.multiply %moe.subtract_4, %moe.constant_43 : tensor<i32>
      %moe.add_5 = stablehlo.add %moe.reshape_2, %moe.multiply_2 : tensor<i32>
      %moe.dynamic_slice_2 = stablehlo.dynamic_slice %moe.reshape, %moe.add_5, %moe.constant_39, %moe.constant_39, sizes = [2, 8, 416] : (tensor<22x8x416xbf16>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<2x8x416xbf16>
      %moe.reshape_3 = stablehlo.reshape %moe.dynamic_slice_2 : (tensor<2x8x416xbf16>) -> tensor<16x416xbf16>
      %moe.constant_44 = stablehlo.constant dense<0> : tensor<i32>
      %moe.dynamic_slice_3 = stablehlo.dynamic_slice %layers.0.moe.gate_up.bias, %moe.constant_44, %moe.expert, %moe.constant_44, sizes = [1, 1, 1216] : (tensor<1x9x1216xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x1216xf32>
      %moe.reshape_4 = stablehlo.reshape %moe.dynamic_slice_3 : (tensor<1x1x1216xf32>) -> tensor<1x1216xf32>
      %moe.constant_45 = stablehlo.constant dense<0> : tensor<i32>
      %moe.dynamic_slice_4 = stablehlo.dynamic_slice %layers.0.moe.gate_up.weight, %moe.constant_45, %moe.expert, %moe.constant_45, %moe.constant_45, sizes = [1, 1, 1216, 416] : (tensor<1x9x1216x416xi8>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x1216x416xi8>
      %moe.reshape_5 = stablehlo.reshape %moe.dynamic_slice_4 : (tensor<1x1x1216x416xi8>) -> tensor<1x1216x416xi8>
      %moe.convert_7 = stablehlo.convert %moe.reshape_5 : (tensor<1x1216x416xi8>) -> tensor<1x1216x416xbf16>
      %moe.reshape_6 = stablehlo.reshape %moe.convert_7 : (tensor<1x1216x416xbf16>) -> tensor<1216x416xbf16>
      %moe.dot_general_3 = stablehlo.dot_general %moe.reshape_3, %moe.reshape_6, contracting_dims = [1] x [1] : (tensor<16x416xbf16>, tensor<1216x416xbf16>) -> tensor<16x1216xf32>
      %moe.reshape_7 = stablehlo.reshape %moe.dot_general_3 : (tensor<16x1216xf32>) -> tensor<16x1x1216xf32>
      %moe.constant_46 = stablehlo.constant dense<0> : tensor<i32>
      %moe.dynamic_slice_5 = stablehlo.dynamic_slice %layers.0.moe.gate_up.scales, %moe.constant_46, %moe.expert, %moe.constant_46, sizes = [1, 1, 1216] : (tensor<1x9x1216xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x1216xf32>
      %moe.reshape_8 = stablehlo.reshape %moe.dynamic_slice_5 : (tensor<1x1x1216xf32>) -> tensor<1x1216xf32>
      %moe.broadcast_in_dim_21 = stablehlo.broadcast_in_dim %moe.reshape_8, dims = [1, 2] : (tensor<1x1216xf32>) -> tensor<16x1x1216xf32>
      %moe.multiply_3 = stablehlo.multiply %moe.reshape_7, %moe.broadcast_in_dim_21 : tensor<16x1x1216xf32>
      %moe.broadcast_in_dim_22 = stablehlo.broadcast_in_dim %moe.reshape_4, dims = [1, 2] : (tensor<1x1216xf32>) -> tensor<16x1x1216xf32>
      %moe.add_6 = stablehlo.add %moe.multiply_3, %moe.broadcast_in_dim_22 : tensor<16x1x1216xf32>
      %moe.reshape_9 = stablehlo.reshape %moe.add_6 : (tensor<16x1x1216xf32>) -> tensor<16x1x608x2xf32>
      %moe.slice = stablehlo.slice %moe.reshape_9 [0:16, 0:1, 0:608, 0:1] : (tensor<16x1x608x2xf32>) -> tensor<16x1x608x1xf32>
      %moe.reshape_10 = stablehlo.reshape %moe.slice : (tensor<16x1x608x1xf32>) -> tensor<16x1x608xf32>
      %moe.slice_2 = stablehlo.slice %moe.reshape_9 [0:16, 0:1, 0:608, 1:2] : (tensor<16x1x608x2xf32>) -> tensor<16x1x608x1xf32>
      %moe.reshape_11 = stablehlo.reshape %moe.slice_2 : (tensor<16x1x608x1xf32>) -> tensor<16x1x608xf32>
      %moe.constant_47 = stablehlo.constant dense<7.0> : tensor<16x1x608xf32>
      %moe.minimum_3 = stablehlo.minimum %moe.reshape_10, %moe.constant_47 : tensor<16x1x608xf32>
      %moe.constant_48 = stablehlo.constant dense<7.0> : tensor<16x1x608xf32>
      %moe.minimum_4 = stablehlo.minimum %moe.reshape_11, %moe.constant_48 : tensor<16x1x608xf32>
      %moe.constant_49 = stablehlo.constant dense<-7.0> : tensor<16x1x608xf32>
      %moe.maximum = stablehlo.maximum %moe.minimum_4, %moe.constant_49 : tensor<16x1x608xf32>
      %moe.constant_50 = stablehlo.constant dense<1.702> : tensor<16x1x608xf32>
      %moe.multiply_4 = stablehlo.multiply %moe.minimum_3, %moe.constant_50 : tensor<16x1x608xf32>
      %moe.logistic = stablehlo.logistic %moe.multiply_4 : tensor<16x1x608xf32>
      %moe.multiply_5 = stablehlo.multiply %moe.minimum_3, %moe.logistic : tensor<16x1x608xf32>
      %moe.constant_51 = stablehlo.constant dense<1.0> : tensor<16x1x608xf32>
      %moe.add_7 = stablehlo.add %moe.maximum, %moe.constant_51 : tensor<16x1x608xf32>
      %moe.multiply_6 = stablehlo.multiply %moe.multiply_5, %moe.add_7 : tensor<16x1x608xf32>
      %moe.convert_8 = stablehlo.convert %moe.multiply_6 : (tensor<16x1x608xf32>) -> tensor<16x1x608xbf16>
      %moe.constant_52 = stablehlo.constant dense<0> : tensor<i32>
      %moe.dynamic_slice_6 = stablehlo.dynamic_slice %layers.0.moe.down.weight, %moe.constant_52, %moe.expert, %moe.constant_52, %moe.constant_52, sizes = [1, 1, 416, 608] : (tensor<1x9x416x608xi8>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x416x608xi8>
      %moe.reshape_12 = stablehlo.reshape %moe.dynamic_slice_6 : (tensor<1x1x416x608xi8>) -> tensor<1x416x608xi8>
      %moe.convert_9 = stablehlo.convert %moe.reshape_12 : (tensor<1x416x608xi8>) -> tensor<1x416x608xbf16>
      %moe.reshape_13 = stablehlo.reshape %moe.convert_8 : (tensor<16x1x608xbf16>) -> tensor<16x608xbf16>
      %moe.reshape_14 = stablehlo.reshape %moe.convert_9 : (tensor<1x416x608xbf16>) -> tensor<416x608xbf16>
      %moe.dot_general_4 = stablehlo.dot_general %moe.reshape_13, %moe.reshape_14, contracting_dims = [1] x [1] : (tensor<16x608xbf16>, tensor<416x608xbf16>) -> tensor<16x416xf32>
      %moe.reshape_15 = stablehlo.reshape %moe.dot_general_4 : (tensor<16x416xf32>) -> tensor<16x1x416xf32>
      %moe.constant_53 = stablehlo.constant dense<0> : tensor<i32>
      %moe.dynamic_slice_7 = stablehlo.dynamic_slice %layers.0.moe.down.scales, %moe.constant_53, %moe.expert, %moe.constant_53, sizes = [1, 1, 416] : (tensor<1x9x416xf32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<1x1x416xf32>
      %moe.reshape_16 = stablehlo.reshape %moe.dynamic_slice_7 : (tensor<1x1x416xf32>) -> tensor<1x416xf32>
      %moe.broadcast_in_dim_23 = stablehlo.broadcast_in_dim %moe.reshape_16, dims = [1, 2] : (tensor<1x416xf32>) -> tensor<16x1x416xf32>
      %moe.multiply_7 = stablehlo.multiply %moe.reshape_15, %moe.broadcast_in_dim_23 : tensor<16x1x416xf32>
      %moe.convert_10 = stablehlo.convert %moe.multiply_7 : (tensor<16x1x416xf32>) -> tensor<16x1x416xbf16>
      %moe.slice_3 = stablehlo.slice %moe.convert_10 [0:16, 0:1, 0:416] : (tensor<16x1x416xbf16>) -> tensor<16x1x416xbf16>
      %moe.reshape_17 = stablehlo.reshape %moe.slice_3 : (tensor<16x1x416xbf16>) -> tensor<2x8x1x416xbf16>
      %moe.transpose = stablehlo.transpose %moe.reshape_17, dims = [0, 2, 1, 3] : (tensor<2x8x1x416xbf16>) -> tensor<2x1x8x416xbf16>
      %moe.constant_54 = stablehlo.constant dense<1> : tensor<i32>
      %moe.add_8 = stablehlo.add %moe.arg_3, %moe.constant_54 : tensor<i32>
      %moe.dynamic_update_slice = stablehlo.dynamic_update_slice %moe.arg_4, %moe.transpose, %moe.add_5, %moe.constant_39, %moe.constant_39, %moe.constant_39 : (tensor<22x1x8x416xbf16>, tensor<2x1x8x416xbf16>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<22x1x8x416xbf16>
      stablehlo.return %moe.add_8, %moe.dynamic_update_slice : tensor<i32>, tensor<22x1x8x416xbf16>
    }) {mhlo.frontend_attributes = {precast_trips = "14"}} : (tensor<i32>, tensor<22x1x8x416xbf16>) -> (tensor<i32>, tensor<22x1x8x416xbf16>)
    %moe.transpose_2 = stablehlo.transpose %moe.while#1, dims = [0, 2, 1, 3] : (tensor<22x1x8x416xbf16>) -> tensor<22x8x1x416xbf16>
    %moe.reshape_18 = stablehlo.reshape %moe.transpose_2 : (tensor<22x8x1x416xbf16>) -> tensor<176x1x416xbf16>
    %moe.iota_15 = stablehlo.iota dim = 1 : tensor<48x176xi32>
    %moe.constant_55 = stablehlo.constant dense<0.0> : tensor<48x176xf32>
    %moe.iota_16 = stablehlo.iota dim = 1 : tensor<48x9xi32>
    %moe.broadcast_in_dim_24 = stablehlo.broadcast_in_dim %moe.pick, dims = [0] : (tensor<48xi32>) -> tensor<48x9xi32>
    %moe.compare_16 = stablehlo.compare EQ, %moe.iota_16, %moe.broadcast_in_dim_24, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %moe.constant_56 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %moe.select_18 = stablehlo.select %moe.compare_16, %moe.select_9, %moe.constant_56 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.constant_57 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_16 = stablehlo.reduce(%moe.select_18 init: %moe.constant_57) applies stablehlo.add across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %moe.broadcast_in_dim_25 = stablehlo.broadcast_in_dim %moe.slot, dims = [0] : (tensor<48xi32>) -> tensor<48x176xi32>
    %moe.compare_17 = stablehlo.compare EQ, %moe.broadcast_in_dim_25, %moe.iota_15, SIGNED : (tensor<48x176xi32>, tensor<48x176xi32>) -> tensor<48x176xi1>
    %moe.broadcast_in_dim_26 = stablehlo.broadcast_in_dim %moe.reduce_16, dims = [0] : (tensor<48xf32>) -> tensor<48x176xf32>
    %moe.select_19 = stablehlo.select %moe.compare_17, %moe.broadcast_in_dim_26, %moe.constant_55 : tensor<48x176xi1>, tensor<48x176xf32>
    %moe.iota_17 = stablehlo.iota dim = 1 : tensor<48x9xi32>
    %moe.broadcast_in_dim_27 = stablehlo.broadcast_in_dim %moe.pick_2, dims = [0] : (tensor<48xi32>) -> tensor<48x9xi32>
    %moe.compare_18 = stablehlo.compare EQ, %moe.iota_17, %moe.broadcast_in_dim_27, SIGNED : (tensor<48x9xi32>, tensor<48x9xi32>) -> tensor<48x9xi1>
    %moe.constant_58 = stablehlo.constant dense<0.0> : tensor<48x9xf32>
    %moe.select_20 = stablehlo.select %moe.compare_18, %moe.select_9, %moe.constant_58 : tensor<48x9xi1>, tensor<48x9xf32>
    %moe.constant_59 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_17 = stablehlo.reduce(%moe.select_20 init: %moe.constant_59) applies stablehlo.add across dimensions = [1] : (tensor<48x9xf32>, tensor<f32>) -> tensor<48xf32>
    %moe.broadcast_in_dim_28 = stablehlo.broadcast_in_dim %moe.slot_2, dims = [0] : (tensor<48xi32>) -> tensor<48x176xi32>
    %moe.compare_19 = stablehlo.compare EQ, %moe.broadcast_in_dim_28, %moe.iota_15, SIGNED : (tensor<48x176xi32>, tensor<48x176xi32>) -> tensor<48x176xi1>
    %moe.broadcast_in_dim_29 = stablehlo.broadcast_in_dim %moe.reduce_17, dims = [0] : (tensor<48xf32>) -> tensor<48x176xf32>
    %moe.select_21 = stablehlo.select %moe.compare_19, %moe.broadcast_in_dim_29, %moe.select_19 : tensor<48x176xi1>, tensor<48x176xf32>
    %moe.convert_11 = stablehlo.convert %moe.select_21 : (tensor<48x176xf32>) -> tensor<48x176xbf16>
    %moe.dot_general_5 = stablehlo.dot_general %moe.convert_11, %moe.reshape_18, contracting_dims = [1] x [0] : (tensor<48x176xbf16>, tensor<176x1x416xbf16>) -> tensor<48x1x416xf32>
    %moe.constant_60 = stablehlo.constant dense<0.0> : tensor<f32>
    %moe.reduce_18 = stablehlo.reduce(%moe.dot_general_5 init: %moe.constant_60) applies stablehlo.add across dimensions = [1] : (tensor<48x1x416xf32>, tensor<f32>) -> tensor<48x416xf32>
    %moe.dot_general_6 = stablehlo.dot_general %moe.select_9, %layers.0.moe.down.bias, contracting_dims = [1] x [0], precision = [HIGHEST, HIGHEST] : (tensor<48x9xf32>, tensor<9x416xf32>) -> tensor<48x416xf32>
    %moe.add_9 = stablehlo.add %moe.reduce_18, %moe.dot_general_6 : tensor<48x416xf32>
    %add = stablehlo.add %x, %moe.add_9 : tensor<48x416xf32>
    return %add : tensor<48x416xf32>
  }
}
