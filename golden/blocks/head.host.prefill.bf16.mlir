module @head {
  func.func public @main(
      %norm: tensor<416xf32>,
      %unembedding.weight: tensor<1336x416xbf16>,
      %x: tensor<48x416xf32>) -> (tensor<48x1336xf32>) {
    %head.norm.multiply = stablehlo.multiply %x, %x : tensor<48x416xf32>
    %head.norm.constant = stablehlo.constant dense<0.0> : tensor<f32>
    %head.norm.reduce = stablehlo.reduce(%head.norm.multiply init: %head.norm.constant) applies stablehlo.add across dimensions = [1] : (tensor<48x416xf32>, tensor<f32>) -> tensor<48xf32>
    %head.norm.constant_2 = stablehlo.constant dense<4.16e2> : tensor<48xf32>
    %head.norm.divide = stablehlo.divide %head.norm.reduce, %head.norm.constant_2 : tensor<48xf32>
    %head.norm.constant_3 = stablehlo.constant dense<1.0e-5> : tensor<48xf32>
    %head.norm.add = stablehlo.add %head.norm.divide, %head.norm.constant_3 : tensor<48xf32>
    %head.norm.rsqrt = stablehlo.rsqrt %head.norm.add : tensor<48xf32>
    %head.norm.broadcast_in_dim = stablehlo.broadcast_in_dim %head.norm.rsqrt, dims = [0] : (tensor<48xf32>) -> tensor<48x416xf32>
    %head.norm.multiply_2 = stablehlo.multiply %x, %head.norm.broadcast_in_dim : tensor<48x416xf32>
    %head.norm.broadcast_in_dim_2 = stablehlo.broadcast_in_dim %norm, dims = [1] : (tensor<416xf32>) -> tensor<48x416xf32>
    %head.norm.multiply_3 = stablehlo.multiply %head.norm.multiply_2, %head.norm.broadcast_in_dim_2 : tensor<48x416xf32>
    %head.convert = stablehlo.convert %head.norm.multiply_3 : (tensor<48x416xf32>) -> tensor<48x416xbf16>
    %head.logits = stablehlo.custom_call @precast.product.1(%head.convert, %unembedding.weight) {api_version = 4 : i32, backend_config = {}} : (tensor<48x416xbf16>, tensor<1336x416xbf16>) -> tensor<48x1336xf32>
    return %head.logits : tensor<48x1336xf32>
  }
}
