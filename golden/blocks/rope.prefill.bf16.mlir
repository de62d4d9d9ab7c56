module @rope {
  func.func public @main(
      %rope.cos: tensor<1024x14xf32>,
      %rope.sin: tensor<1024x14xf32>,
      %sequence: tensor<i32>,
      %start: tensor<i32>,
      %count: tensor<i32>) -> (tensor<48x14xf32>, tensor<48x14xf32>) {
    %rope.iota = stablehlo.iota dim = 0 : tensor<48xi32>
    %rope.broadcast_in_dim = stablehlo.broadcast_in_dim %start, dims = [] : (tensor<i32>) -> tensor<48xi32>
    %rope.add = stablehlo.add %rope.iota, %rope.broadcast_in_dim : tensor<48xi32>
    %rope.cos_2 = "stablehlo.gather"(%rope.cos, %rope.add) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 14>}> : (tensor<1024x14xf32>, tensor<48xi32>) -> tensor<48x14xf32>
    %rope.sin_2 = "stablehlo.gather"(%rope.sin, %rope.add) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 14>}> : (tensor<1024x14xf32>, tensor<48xi32>) -> tensor<48x14xf32>
    return %rope.cos_2, %rope.sin_2 : tensor<48x14xf32>, tensor<48x14xf32>
  }
}
