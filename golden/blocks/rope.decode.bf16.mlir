module @rope {
  func.func public @main(
      %rope.cos: tensor<1024x14xf32>,
      %rope.sin: tensor<1024x14xf32>,
      %positions: tensor<1xi32>) -> (tensor<1x14xf32>, tensor<1x14xf32>) {
    %rope.cos_2 = "stablehlo.gather"(%rope.cos, %positions) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 14>}> : (tensor<1024x14xf32>, tensor<1xi32>) -> tensor<1x14xf32>
    %rope.sin_2 = "stablehlo.gather"(%rope.sin, %positions) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 14>}> : (tensor<1024x14xf32>, tensor<1xi32>) -> tensor<1x14xf32>
    return %rope.cos_2, %rope.sin_2 : tensor<1x14xf32>, tensor<1x14xf32>
  }
}
