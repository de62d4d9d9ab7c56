module @embedding {
  func.func public @main(
      %embedding.weight: tensor<1336x416xbf16> {mhlo.layout_mode = "{1,0}"},
      %tokens: tensor<48xi32>) -> (tensor<48x416xf32>) {
    %embedding.gather = "stablehlo.gather"(%embedding.weight, %tokens) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 416>}> : (tensor<1336x416xbf16>, tensor<48xi32>) -> tensor<48x416xbf16>
    %embedding.convert = stablehlo.convert %embedding.gather : (tensor<48x416xbf16>) -> tensor<48x416xf32>
    return %embedding.convert : tensor<48x416xf32>
  }
}
